#!/bin/bash
# `make demo`: the main job once, narrated, on a service of its own in a temporary folder; leaves nothing behind.
# Exits with 1 as soon as a step does not do what it claims.
set -Eeuo pipefail

if (($# != 1)) || [[ ! -x $1/coffer || ! -x $1/cofferd ]]; then
  echo "usage: tests/demo/demo.sh FOLDER_OF_THE_PROGRAMS" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
PATH=$(cd "$1" && pwd):$PATH
export PATH NO_COLOR=1 TERM=dumb
unset COFFER_SERVER COFFER_TLS_CA COFFER_TLS_CERT COFFER_TLS_KEY COFFER_TOKEN_FILE
export COFFER_STATE_DIR=

bold="" dim="" green="" red="" plain=""
if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'; fi
step_number=0
step_title="preparing"
daemon=""
bob_is=spiffe://demo.example/role/admin/bob
work=$(mktemp -d "${TMPDIR:-/tmp}/coffer-demo.XXXXXX")

stop_daemon() {
  [[ -n $daemon ]] || return 0
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  daemon=""
}

clean_up() {
  local code=$?
  trap - EXIT INT TERM HUP ERR
  if ((code != 0 && code < 128)) && [[ -s $work/cofferd.log ]]; then tail -5 "$work/cofferd.log" >&2; fi
  stop_daemon
  rm -rf "$work"
  ((code == 0)) || echo "${red}The demo failed in step $step_number: $step_title${plain}" >&2
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step() { # what, why
  step_number=$((step_number + 1))
  step_title=$1
  printf '\n%s%d. %s%s %s\n' "$bold" "$step_number" "$1" "$plain" "$2"
}

claim() { printf '   %sok%s %s\n' "$green" "$plain" "$*"; }

fail() {
  echo "${red}Not as claimed: $*${plain}" >&2
  exit 1
}

# A command's output, indented: at most 14 lines of 110 characters, ciphertexts cut.
shorten() {
  sed -E 's/(coffer:v1:[A-Za-z0-9_-]{16})[A-Za-z0-9_-]+/\1.../g' | cut -c1-110 | sed -n '1,14s/^/   /p'
}

run() { # shows a command and its output; fails when it does
  printf '   %s$ %s%s\n' "$dim" "${*@Q}" "$plain" | sed "s/'\([A-Za-z0-9_.\/:=,-]*\)'/\1/g"
  "$@" >"$work/out" 2>&1 || { shorten <"$work/out"; fail "$1 ${2:-} exited with $?"; }
  shorten <"$work/out"
}

refused() { # part of the sentence, then a command that has to exit with 1 and say it
  local sentence=$1 code=0
  shift
  printf '   %s$ %s%s\n' "$dim" "${*@Q}" "$plain" | sed "s/'\([A-Za-z0-9_.\/:=,-]*\)'/\1/g"
  "$@" >"$work/out" 2>&1 || code=$?
  shorten <"$work/out"
  ((code == 1)) || fail "it exited with $code, not with 1"
  grep -qF -- "$sentence" "$work/out" || fail "it did not say '$sentence'"
}

# Whether a text is anywhere in these files and folders; one search for both answers.
holds() { grep -rqaF -- "$@"; }

start_daemon() {
  cofferd --config "$work/coffer.toml" 2>cofferd.log &
  daemon=$!
  printf '   %s$ cofferd --config coffer.toml &%s\n' "$dim" "$plain"
  export COFFER_SERVER="unix:$work/data"
  local deadline=$((SECONDS + 20))
  until coffer operator status >out 2>&1; do
    kill -0 "$daemon" 2>/dev/null || fail "cofferd ended"
    ((SECONDS < deadline)) || fail "cofferd does not answer"
    sleep 0.05
  done
}

# Of a CA for this demo: the service's, and that of bob, the second administrator.
make_certificates() {
  local new=(openssl req -x509 -days 1 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  local issue=("${new[@]}" -CA ca.pem -CAkey ca.key -addext basicConstraints=critical,CA:FALSE)
  {
    "${new[@]}" -subj /CN=ca -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem
    "${issue[@]}" -subj /CN=server -addext subjectAltName=DNS:localhost -keyout server.key -out server.pem
    "${issue[@]}" -subj /CN=bob -addext "subjectAltName=URI:$bob_is" -keyout bob.tls.key -out bob.tls.pem
  } 2>out || fail "openssl made no certificates"
}

port_of() { # what listens, as the log calls it
  sed -nE "s/.*listening $1 TLS 1.3 on port ([0-9]+).*/\\1/p" cofferd.log
}

# coffer, as bob calls it: over TLS, with his certificate.
as_bob() {
  COFFER_SERVER=localhost:$(port_of "with mutual") COFFER_TLS_CA=ca.pem COFFER_TLS_CERT=bob.tls.pem \
    COFFER_TLS_KEY=bob.tls.key coffer "$@"
}

# coffer, as a job without a certificate calls it.
as_job() {
  COFFER_SERVER=localhost:$(port_of "for bearer tokens with") COFFER_TLS_CA=ca.pem COFFER_TOKEN_FILE=job.token \
    coffer "$@"
}

# What alice does when bob has approved it.
by_two() { # why, then a command
  local why=$1 id
  shift
  "$@" --ask "$why" >out || fail "it was not asked for"
  id=$(sed -nE 's/^asked: approval (.*)/\1/p' out)
  as_bob approval approve "$id" --key bob.key >out || fail "bob did not approve it"
  run "$@" --approval "$id"
}

look_at_a_grafana() {
  step "Scan a Grafana's database." "Without a server or a key: what its holder can read."
  sqlite3 grafana.db <"$here/grafana.sql"
  refused "9 secrets can be read by whoever holds this database" coffer grafana scan grafana.db
  ! holds canary out || fail "a value was printed"
  holds canary grafana.db || fail "the search finds nothing where there is plaintext"
  claim "9 secrets, each by its place, no value; seven of them are under the key that every Grafana ships with"
}

look_at_a_database() {
  step "Look at an application's database." "Without a server or a key: what to encrypt, and what is still in clear."
  sqlite3 shop.db "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, email TEXT);" \
    "CREATE TABLE datasource (uuid TEXT PRIMARY KEY, name TEXT, url TEXT, login TEXT, password TEXT);" \
    ".mode csv" ".import --skip 1 $here/users.csv user" ".import --skip 1 $here/datasources.csv datasource"
  cp "$here/catalog.toml" .
  run coffer db plan shop.db
  holds datasource.password out && holds user.email out || fail "the plan misses a column"
  refused "values have not the form of a ciphertext" coffer db check shop.db --catalog catalog.toml
  ! holds canary out || fail "a value was printed"
  holds canary shop.db || fail "the search finds nothing where there is plaintext"
  rm shop.db
  claim "a catalog is proposed, and the check exits with 1: both columns are plaintext today"
}

start_service() {
  step "Start the key service." "It keeps wrapped keys only; what unwraps them is a key file, elsewhere in real life."
  mkdir media
  make_certificates
  printf '%s\n' "data_dir = \"$work/data\"" 'allow_swap = true' '[tcp]' 'listen = "127.0.0.1:0"' \
    'trust_domain = "demo.example"' "certificate = \"$work/server.pem\"" "key = \"$work/server.key\"" \
    "client_ca = \"$work/ca.pem\"" '[tokens]' 'listen = "127.0.0.1:0"' "certificate = \"$work/server.pem\"" \
    "key = \"$work/server.key\"" >coffer.toml
  start_daemon
  run coffer operator init --key-file media/seal.key --accept-total-loss --allow-same-device
  coffer operator status --check >out || fail "the service is not unsealed"
}

take_its_key_away() {
  step "Give that Grafana a secret_key of its own." "The key is in the vault; the database changes in one transaction."
  run coffer grafana rotate-secret-key grafana.db
  refused "2 of 9 secrets can be read by whoever holds this database" coffer grafana scan grafana.db
  ! holds canary out || fail "a value was printed"
  claim "what Grafana encrypted opens with the vault's key alone; what lies in plain settings is named, to be moved"
}

import_grafana() {
  step "Import Grafana's datasources." "The passwords go to the vault; the file keeps references, safe to commit."
  mkdir -p provisioning/datasources original/datasources
  cp "$here/provisioning.yaml" original/datasources/shop.yaml
  cp "$here/provisioning.yaml" provisioning/datasources/shop.yaml
  run grep -A2 secureJsonData provisioning/datasources/shop.yaml
  run coffer grafana import provisioning/datasources/shop.yaml --in-place
  run grep -A2 secureJsonData provisioning/datasources/shop.yaml
  holds canary-grafana original || fail "the search finds nothing in the original"
  ! holds canary-grafana provisioning || fail "the imported file still holds a secret"
  (($(grep -c 'coffer://' provisioning/datasources/shop.yaml) == 3)) || fail "three references were to be there"
  claim "3 secrets moved, none left in the file"
}

apply_catalog() {
  step "Apply a catalog." "It says which columns are secret and what each value is bound to."
  cp "$here/catalog.toml" .
  run coffer keyring create shop
  coffer keyring create shop-index --purpose index >/dev/null
  run coffer diff catalog.toml
  run coffer apply catalog.toml
  [[ -s catalog.lock ]] || fail "there is no catalog.lock"
  coffer diff catalog.toml --exit-code >/dev/null || fail "there are changes left after apply"
}

fields_of() { # table: the options that name its field and row
  case $1 in
    users) fields=(--field shop.user.email --row id) ;;
    datasources) fields=(--field shop.datasource.password --row uuid) ;;
  esac
}

encrypt_tables() {
  step "Encrypt two tables." "This is what the database, its dumps and its DBA get to see."
  cp "$here"/{users,datasources}.csv .
  mkdir database
  for table in users datasources; do
    fields_of "$table"
    run coffer field encrypt "${fields[@]}" --in "$table.csv" --out "database/$table.csv"
  done
  run cat database/users.csv
  echo "   ${dim}and for people who only need to know that there is a value:${plain}"
  run sed -E 's/coffer:v1:[A-Za-z0-9_-]+/***/' database/datasources.csv
  for word in canary lovelace cleo@; do
    holds "$word" ./*.csv || fail "the search finds nothing in the tables"
    ! holds "$word" database || fail "a plaintext is in the encrypted tables"
  done
  (($(cat database/*.csv | grep -c 'coffer:v1:') == 6)) || fail "six values were to be encrypted"
}

rotate_and_rewrap() {
  step "Rotate the keys, as the DBA." "Ciphertext in, ciphertext out: the whole job, without seeing one value."
  run coffer --role dba keyring rotate shop --expect 1
  local total=0
  for table in users datasources; do
    fields_of "$table"
    run coffer --role dba field rewrap "${fields[@]}" --in "database/$table.csv" --out "$table.new.csv"
    total=$((total + $(sed -nE 's/.* ([0-9]+) rewrapped.*/\1/p' out)))
    ! cmp -s "database/$table.csv" "$table.new.csv" || fail "$table.csv did not change"
    mv "$table.new.csv" "database/$table.csv"
  done
  ((total == 6)) || fail "$total values were rewrapped, not 6"
  claim "$total values rewrapped to version 2"
}

search_by_email() {
  step "Find a user by e-mail." "The database compares tokens; it never sees an address, not even the one searched for."
  fields_of users
  run coffer catalog plan catalog.toml
  run coffer field rewrap --role app "${fields[@]}" --tokens --in database/users.csv --out users.tokens.csv
  sqlite3 users.db 'CREATE TABLE users (id INTEGER, name, email, email_exact INTEGER, email_exact_iv INTEGER)' \
    '.import --csv --skip 1 users.tokens.csv users'
  local spelling found
  for spelling in bo.canary-4711@demo.example ' Bo.Canary-4711@DEMO.example ' 'ｂｏ.canary-4711@demo.example'; do
    printf '%s\n' "$spelling" >term
    run cat term
    run coffer field search --field shop.user.email --index exact --value-file term
    sqlite3 -csv -header users.db "SELECT id, name, email FROM users WHERE $(cat out)" >found.csv
    run coffer field decrypt "${fields[@]}" --match-index exact --match-file term --in found.csv
    found=$(sed -n 2p out | tr -d '\r')
    [[ $found == 2,Bo,bo.canary-4711@demo.example ]] || fail "the user was not found as '$spelling'"
  done
  ! holds canary users.db || fail "an address is in the database"
  claim "found in three spellings; no address is in the database"
}

read_as_application() {
  for table in users datasources; do
    fields_of "$table"
    run coffer field decrypt "${fields[@]}" --in "database/$table.csv" --out "$table.back.csv"
    cmp "$table.csv" "$table.back.csv" || fail "$table.csv did not come back as it was"
    rm "$table.back.csv"
  done
  claim "both tables came back byte for byte"
}

attack() {
  step "Read as the application; try it as others." "The DBA is refused; a moved or redirected value is worthless."
  read_as_application
  fields_of datasources
  refused "the policy does not allow this" coffer --role dba field decrypt "${fields[@]}" --in database/datasources.csv
  echo "   ${dim}A DBA gives row 1 the e-mail of row 2:${plain}"
  awk -F, 'BEGIN {OFS = ","} NR == 2 {keep = $0; next} NR == 3 {split(keep, a, ","); swap = a[3]; a[3] = $3; $3 = swap
    print a[1], a[2], a[3]; print; next} {print}' database/users.csv >swapped.csv
  (($(diff database/users.csv swapped.csv | grep -c '^>') == 2)) || fail "the swap is not one"
  fields_of users
  refused "2 value(s) did not decrypt" coffer field decrypt "${fields[@]}" --keep-going --in swapped.csv
  echo "   ${dim}A DBA points the password at a server of his own:${plain}"
  sed 's#https://logs.demo.example/#https://evil.example/#' database/datasources.csv >redirected.csv
  ! cmp -s database/datasources.csv redirected.csv || fail "the edit is not one"
  fields_of datasources
  refused "1 value(s) did not decrypt" coffer field decrypt "${fields[@]}" --keep-going --in redirected.csv
}

run_grafana() {
  step "Start Grafana with its secrets." "They exist in a folder in memory while Grafana runs, and then no more."
  "$here/fake_grafana.py" original | sort >expected
  run coffer grafana run --make-keys --provisioning provisioning -- "$here/fake_grafana.py"
  grep sha256 out | sort >got
  cmp expected got || fail "Grafana did not get the values that were imported"
  ! holds canary out || fail "a value was printed"
  local folder
  folder=$(sed -nE 's/^started with (.*):$/\1/p' out)
  [[ -n $folder && ! -e $folder ]] || fail "the folder in memory is still there"
  claim "$(wc -l <got) values arrived unchanged (checksums match); the folder is gone"
}

look_at_the_disk() {
  step "Look for plaintext in the service's folder." "Whoever takes the store's disk or its backup gets none."
  run du -b data/store.db data/store.db-wal
  holds canary "$here" || fail "the search finds nothing where the plaintext is"
  holds grafana/1/orders/password data || fail "the search does not find a secret's path, which is in clear"
  ! holds canary data || fail "a planted plaintext is in the data folder"
  ! holds lovelace data || fail "a planted plaintext is in the data folder"
  claim "no planted value is in it; a secret's path, which is in clear, is found by the same search"
}

read_the_audit_log() {
  step "Read the audit log." "Every call above was recorded, on disk, before its reply left."
  run coffer --role auditor audit query --operation DecryptFields --limit 5
  run coffer --role auditor audit stats --by role,outcome
  run coffer audit verify --dir data/audit --key-file data/audit.key
  cp -a data/audit copy
  printf 'x' | dd of="$(echo copy/journal/*0.journal)" bs=1 seek=4300 conv=notrunc status=none
  refused "" coffer audit verify --dir copy --key-file data/audit.key
  ! holds canary data/audit || fail "a planted plaintext is in the audit log"
  claim "the log verifies; one byte changed in a copy is noticed, and no planted value is in it"
}

lose_the_disk() {
  step "Lose the store's disk." "The key journal, best kept on another disk, and the key file bring everything back."
  stop_daemon
  rm data/store.db*
  start_daemon
  run coffer operator recover --key-file media/seal.key --apply --reason "the disk is gone"
  [[ $(coffer secret get grafana/1/orders/password) == canary-grafana-swordfish ]] || fail "the secret is not back"
  claim "the same secrets are served again, from a store that was made anew"
}

seal_and_unseal() {
  step "Seal." "One command wipes every key from memory; nothing is served until an operator unseals."
  run coffer operator seal
  refused "sealed" coffer secret get grafana/1/orders/password
  run coffer operator unseal --key-file media/seal.key
  [[ $(coffer secret get grafana/1/orders/password) == canary-grafana-swordfish ]] || fail "the secret is not back"
  claim "the same secret is served again"
}

review_a_policy() {
  step "Review a policy." "Who may do what is a file; what another one would change is a list, before it counts."
  local alice bob
  alice=$(coffer identity new --name alice --key alice.key --no-passphrase)
  bob=$(coffer identity new --name bob --key bob.key --no-passphrase)
  cat >policy.toml <<END
serial = 1
admin_signatures = 2
[person.alice]
key = "$alice"
principals = ["unix:admin:$(id -u)"]
[person.bob]
key = "$bob"
principals = ["$bob_is"]
[grant.dba-turns]
roles = ["dba"]
operations = ["RotateKeyring"]
keyrings = ["shop"]
[grant.app-reads]
roles = ["app"]
operations = ["GetSecret"]
tenants = ["default"]
[grant.admin-destroys]
roles = ["admin"]
operations = ["DestroySecret"]
tenants = ["default"]
approvals = { count = 1, roles = ["admin"] }
[grant.admin-lets-in]
roles = ["admin"]
operations = ["IssueGrant", "CreateToken"]
approvals = { count = 1, roles = ["admin"] }
END
  sed 's/keyrings = .*/keyrings = ["shop", "grafana"]/' policy.toml >wider.toml
  run coffer policy diff policy.toml wider.toml
  refused "denied by dba-sees-no-plaintext" coffer policy explain policy.toml --as dba --operation DecryptFields
  sed 's/"RotateKeyring"/"GetSecret"/; s/keyrings = .*/tenants = "all"/' policy.toml >plaintext.toml
  refused "one of the rule's roles may never have" coffer policy show plaintext.toml
  claim "no policy can give a DBA plaintext, and a wider one says where"
}

destroy_with_two() {
  step "Destroy a secret, by two persons." "alice asks; bob reads what exactly it is, and signs it."
  local destroy=(coffer secret destroy grafana/1/orders/password --version 1)
  coffer policy sign policy.toml --key alice.key >/dev/null
  coffer policy sign policy.toml --key bob.key >/dev/null
  coffer policy apply policy.toml >out || fail "the policy was not applied"
  echo "   ${dim}The policy holds now: alice and bob have signed it.${plain}"
  refused "others have to approve this act" "${destroy[@]}"
  run "${destroy[@]}" --ask "the account is closed"
  local id
  id=$(sed -nE 's/^asked: approval (.*)/\1/p' out)
  ! coffer approval approve "$id" --key alice.key >out 2>&1 || fail "alice approved what she asked for herself"
  [[ $(coffer secret get grafana/1/orders/password) == canary-grafana-swordfish ]] || fail "it was done too early"
  run as_bob approval approve "$id" --key bob.key
  run "${destroy[@]}" --approval "$id"
  refused "destroyed" coffer secret get grafana/1/orders/password
  claim "alice alone destroys nothing, and cannot approve it herself"
}

let_in_for_a_while() {
  step "Let somebody in for a while." "A grant for an hour, and a token for a job without a certificate; by two people."
  refused "the policy does not allow" coffer secret list grafana/1/
  printf '%s\n' '[grant.issued-look]' 'roles = ["app"]' "principals = [\"unix:app:$(id -u)\"]" \
    'operations = ["ListSecrets"]' 'tenants = ["default"]' \
    "not_after = $(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)" >look.toml
  run cat look.toml
  by_two "an hour for ticket 4711" coffer grant issue look.toml
  run coffer secret list grafana/1/
  run coffer grant revoke issued-look "found it"
  refused "the policy does not allow" coffer secret list grafana/1/
  by_two "the nightly job" coffer token create spiffe://demo.example/role/app/job --lifetime 1d --out job.token
  local id
  id=$(sed -nE 's/^made: token ([^ ]+).*/\1/p' out)
  as_job secret get grafana/1/metrics/basicAuthPassword >out || fail "the job does not get in"
  echo "   ${dim}The job reads a secret over TLS, with its token.${plain}"
  ! holds "$(cut -c6- job.token)" data cofferd.log || fail "the token is in the service's folder or log"
  run coffer token revoke "$id" "the job moved"
  refused "the token is not one that is taken here" as_job secret get grafana/1/metrics/basicAuthPassword
  claim "both ended at once, and the token was written down nowhere but in the job's file"
}

finish() {
  step "Stop and clean up." "Nothing of this demo stays on the machine."
  stop_daemon
  cd /
  rm -rf "$work"
  [[ ! -e $work ]] || fail "$work is still there"
  claim "$work is gone; ${SECONDS} s in all"
}

cd "$work"
look_at_a_grafana
look_at_a_database
start_service
take_its_key_away
import_grafana
apply_catalog
encrypt_tables
rotate_and_rewrap
search_by_email
attack
run_grafana
look_at_the_disk
read_the_audit_log
seal_and_unseal
lose_the_disk
review_a_policy
destroy_with_two
let_in_for_a_while
finish
