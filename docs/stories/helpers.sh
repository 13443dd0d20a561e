# What the stories share: a few lines of curl. Sourced at the beginning of each:
#   . docs/stories/helpers.sh
# API is where the server listens; `citybrain` and `python` are those of the checkout.
: "${API:=http://127.0.0.1:8080}"
case ":$PATH:" in *":$PWD/.venv/bin:"*) ;; *) PATH=$PWD/.venv/bin:$PATH ;; esac

# token SUBJECT ROLE[,ROLE] [REACH]: an access token; only a development server hands them out. REACH is
# the department of an official, the counter of a clerk, or the cameras that a gateway speaks for.
token() {
  case "$2" in
    clerk) REACH="\"counter\": \"${3-}\"" ;;
    gateway) REACH="\"acts_for\": [\"${3-}\"]" ;;
    *) REACH="\"department\": \"${3-}\"" ;;
  esac
  curl -sS "$API/dev/token" -H 'Content-Type: application/json' \
    -d "{\"subject\": \"$1\", \"roles\": [\"$(echo "$2" | sed 's/,/", "/g')\"]${3:+, $REACH}}" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}

# get TOKEN PATH: what is there.
get() {
  curl -sS "$API/v1/$2" -H "Authorization: Bearer $1"
  echo
}

# post TOKEN PATH BODY: a command; BODY is JSON, or @- for standard input.
post() {
  curl -sS "$API/v1/$2" -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -d "$3"
  echo
}

# step NAME TOKEN BODY: the next step of the case $CASE, at the version that was just seen.
step() {
  VERSION=$(get "$2" "cases/$CASE" | sed 's/{"case_id":"[^"]*","version":\([0-9]*\).*/\1/')
  curl -sS "$API/v1/cases/$CASE/$1" -H "Authorization: Bearer $2" \
    -H 'Content-Type: application/json' -H "If-Match: \"$VERSION\"" -d "$3"
  echo
}

# day YYYYMMDD: with hyphens.
day() {
  echo "$1" | sed 's/\(....\)\(..\)/\1-\2-/'
}

# id_number BIRTH CIRCUMSTANCE: a valid identity number of somebody born on BIRTH (YYYY-MM-DD), another
# each second.
id_number() {
  python -m ops.simulators.applications.identity_numbers --born "$1" --serial "$(date +%s)" \
    --circumstance "$2"
}

# registered BIRTH CIRCUMSTANCE: a made-up person, born on BIRTH (YYYYMMDD); sets CITIZEN and ME, their
# token. CIRCUMSTANCE is a digit of the identity number: what departments know of them follows from it
# (ops/simulators/applications/departments/people.py); 0 is nothing special.
registered() {
  CITIZEN=$(post "$(token clerk-1 clerk counter-1)" citizens "{\"name\": \"模擬市民\",
    \"birth_date\": \"$(day "$1")\", \"id_number\": \"$(id_number "$(day "$1")" "$2")\",
    \"simulated\": true}" |
    grep -o 'citizen-[0-9a-f]*' | head -n 1)
  ME=$(token "$CITIZEN" citizen)
}

# notice: the digest of the text that is shown before somebody agrees to face recognition.
notice() {
  curl -sS "$API/v1/agreements" | grep -o '"code":"face-recognition","sha256":"[0-9a-f]*' |
    grep -o '[0-9a-f]*$'
}

# enrolled PERSON BIRTH: the same, with the face of a made-up person.
enrolled() {
  registered "$2" 0
  post "$ME" "citizens/$CITIZEN/face/consent" "{\"notice_sha256\": \"$(notice)\"}"
  { face "$ME" "$CITIZEN" "$1" enrol 10; echo '}'; } | post "$ME" "citizens/$CITIZEN/face/enrolment" @-
}

# until_seen TEXT TOKEN PATH: ask until the answer contains TEXT, then show it.
until_seen() {
  until get "$2" "$3" | grep -F -- "$1"; do sleep 0.1; done
}

# face TOKEN CITIZEN PERSON PURPOSE SHOT: a challenge, and three pictures of a made-up person that
# answer it. PERSON and SHOT choose the pictures; none is taken twice, so SHOT changes each time.
# Prints a JSON object without its closing brace.
face() {
  ASKED=$(post "$1" "citizens/$2/face/challenges" "{\"purpose\": \"$4\"}")
  STEPS=$(echo "$ASKED" | sed 's/.*"steps":\[\([^]]*\)\].*/\1/; s/[",]/ /g')
  echo "$ASKED" |
    sed 's/.*"challenge_id":"\([^"]*\)","nonce":"\([^"]*\)".*/{"challenge_id": "\1", "nonce": "\2",/'
  echo "\"frames\": $(python -m ops.devfaces frames "$3" $STEPS --shot "$5")"
}

# pay ORDER: hand an order to the payment gateway, with the money of a made-up card.
pay() {
  curl -sS "$(python -c "from citybrain.exchange.directory import load_directory
from citybrain.settings import Settings
print(load_directory(Settings(mode='development')).bank.url)")/orders" \
    -H 'Content-Type: application/json' -d "{\"order\": \"$1\", \"means\": \"card-1\"}"
  echo
}
