// Who the stories are of, and what is the same in many of them. All of it is made up.

export const CITIZEN = "citizen-01a22ba547167f129155afdc1e0b3645";
export const ME = { subject: CITIZEN, roles: ["citizen"] };
export const APPLICATION = "application-01a22ba55d1f70d6889f0e15b548c41e";
export const FUND = "housing-fund-repayment";
export const VERSION = "2020-06-01+d4c122fe";

const MATERIALS = [
  ["identity", "身份与户籍", "Identity and household", "police"],
  ["marriage", "婚姻登记", "Marriage", "civil-affairs"],
  ["property", "不动产权", "Ownership of the home", "real-estate-registry"],
  ["purchase", "购房合同", "Purchase contract", "housing-construction"],
  ["loan", "借款合同", "Loan contract", "credit-registry"],
  ["repayments", "还款明细", "Repayments", "bank"],
  ["account", "公积金账户", "Provident fund account", "housing-fund"],
] as const;

export const materials = MATERIALS.map(([name, label, label_en, department]) => ({ name, label, label_en, department, record: name }));

const RULES = [
  ["account-normal", "公积金账户状态不正常", "The provident fund account is not in order"],
  ["once-a-year", "距上次提取不足十二个月", "The last withdrawal was less than twelve months ago"],
  ["own-loan", "借款人不是本人或配偶", "The loan is neither yours nor your spouse's"],
  ["own-home", "贷款房屋与权属不符", "The loan is for another home"],
  ["something-to-withdraw", "无可提取金额", "There is nothing to withdraw"],
] as const;

/** The rules, all met but one. */
export function rulesBut(failed: string | null): object[] {
  return RULES.map(([code, reason, reason_en]) => ({ code, reason, reason_en, source: "住房公积金管理条例", finding: code === failed ? "failed" : "met" }));
}

export const item = {
  valid_from: "2020-06-01",
  code: FUND,
  name: "公积金提取（偿还住房贷款）",
  name_en: "Housing fund withdrawal for repaying a home loan",
  kind: "approval",
  department: "housing-fund",
  channels: ["web", "app", "counter", "kiosk"],
  baseline: { materials: 6, steps: 4, trips: 1, source: "2020" },
  deadline: { legal_working_days: 3, promised_seconds: 30, source: "住房公积金管理条例" },
  form: [],
  materials,
  rules: rulesBut(null),
};
export const details = { version: VERSION, item, parameters: {}, officer_reasons: [] };

export const water = {
  ...item,
  code: "water-transfer",
  name: "供水过户",
  name_en: "Water contract transfer",
  kind: "utility",
  department: "water-utility",
  form: [
    { name: "contract_number", label: "用户编号", label_en: "Contract number", type: "text", required: true, choices: [] },
    { name: "ground", label: "过户理由", label_en: "Ground", type: "choice", required: true, choices: ["home", "study"] },
  ],
};

export const services = {
  services: [item, water].map(({ code, name, name_en, kind, department, channels }) => ({ code, name, name_en, kind, department, channels, version: VERSION })),
};

export const record = {
  citizen_id: CITIZEN,
  name: "模拟市民",
  document: "resident-identity-card",
  id_number: "410199199005010000",
  further_documents: [],
  birth_date: "1990-05-01",
  phone: "+86 371 5555 0121",
  face_consent: true,
  face_enrolled: true,
  passcode: true,
  simulated: true,
  corrections: [],
};

export const citizen = { citizen_id: CITIZEN, version: 4, face_consent: true, face_enrolled: true };

export const notice = {
  code: "face-recognition",
  sha256: "5af45e8f7989ba6d0385ea98b6402f6669bf1726697b7c86bde7d7380f2056d5",
  valid_from: "2021-11-01",
  name: "人脸识别处理单独同意书",
  name_en: "Separate consent to the processing of your face",
  lawful_basis: "consent",
  text: "一、处理目的：办理政务服务时核验您本人的身份，不作他用。\n二、您可随时撤回同意，撤回后特征值即被删除。",
  text_en: "1. What for: to make sure that it is you when you use a public service.\n2. You may take your consent back at any time.",
};

export const CLASSES = {
  "GET /v1/classes": {
    version: "1",
    classes: [
      { code: "overflowing_bin", name: "垃圾桶溢满", name_en: "Overflowing bin", departments: ["sanitation"], lead: "sanitation" },
      { code: "piled_rubbish", name: "垃圾堆放", name_en: "Piled rubbish", departments: ["sanitation"], lead: "sanitation" },
      { code: "displaced_manhole_cover", name: "窨井盖移位", name_en: "Displaced manhole cover", departments: ["municipal-works"], lead: "municipal-works" },
      { code: "road_damage", name: "道路破损", name_en: "Road damage", departments: ["municipal-works"], lead: "municipal-works" },
    ],
  },
  "GET /v1/departments": {
    version: "1",
    departments: [
      { code: "sanitation", name: "环境卫生处", name_en: "Sanitation" },
      { code: "municipal-works", name: "市政工程处", name_en: "Municipal works" },
    ],
  },
};

export const HOME_ANSWERS = {
  ...CLASSES,
  "GET /v1/services": services,
  [`GET /v1/services/${FUND}`]: details,
  "GET /v1/services/water-transfer": { ...details, item: water },
  "GET /v1/applications": { applications: [], next: null },
  "GET /v1/drafts": { drafts: [], next: null },
  "GET /v1/parking/sessions": { sessions: [], next: null },
  "GET /v1/cases/mine": { cases: [], newest: 0, next: null },
};
