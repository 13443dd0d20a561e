"""A service item in order, to be made wrong in one place."""

GRANT = """\
valid_from: 2026-01-01
code: grant
name: 補助
name_en: Grant
kind: approval
department: police
channels: [app]
source: a test
baseline: {materials: 2, steps: 1, trips: 1, source: a test}
deadline: {promised_seconds: 30, source: a test}
form:
  - {name: ground, label: 理由, label_en: Ground, type: choice, choices: [job, home]}
materials:
  - {name: identity, label: 身份, label_en: Identity, department: police, record: identity, members: {person: identity_number, born: date}}
  - {name: job, label: 就業, label_en: Job, department: police, record: job, members: {employed: boolean, state: {type: choice, choices: [new, old]}, months: months}}
parameters:
  - {name: months, type: months, value: 12, valid_from: 2026-01-01, source: a test}
values:
  - name: amount
    type: money_fen
    needs: [job]
    expression: least(job.months, parameters.months) * 100
rules:
  - code: old
    needs: [identity]
    require: years_between(identity.born, today) >= 18
    reason: 太年輕
    reason_en: Too young
    source: a test
  - code: works
    needs: [job]
    applies: form.ground == "job"
    require: job.employed && job.state == "old"
    reason: 沒有工作
    reason_en: No job
    source: a test
payout: {amount: amount, from_account: gifts, ceiling_fen: 100000, ceiling_source: a test}
examples:
  day: 2026-03-01
  form: {ground: job}
  evidence:
    identity: {person: A0001, born: 1995-05-01}
    job: {employed: true, state: old, months: 10}
  pays_fen: 1000
  refuses:
    - {rule: old, change: {identity.born: 2015-05-01}}
    - {rule: works, change: {job.employed: false}}
  refers:
    - {without: identity}
    - {without: job}
    - {change: {job.employed: "true"}}
draws_on:
  - {kind: person, key: applicant, source: a test}
"""  # noqa: E501
