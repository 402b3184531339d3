// cofferd's configuration: one TOML file with closed keys, or nothing but a data folder.
//
//   data_dir   = "/var/lib/coffer"             # required: the store
//   socket_dir = "/run/coffer"                 # default: data_dir
//   key_file   = "/etc/coffer/seal.key"        # opened at start, so that no operator has to unseal
//   key_journal = "/mnt/other/coffer"          # its folder, best on another disk; default: data_dir/journal
//   audit_log = "/var/lib/coffer/audit"        # folder of the audit log; default: data_dir/audit
//   audit_key = "/etc/coffer/audit.key"        # its signing key, made at the first start; default: data_dir/audit.key
//   audit_file_kib = 16384                     # of each of its journal's files, three at least; 128 to 1,048,576
//   allow_swap = false                         # start even when memory cannot be locked
//   log_level  = "info"                        # debug | info | warn | error
//   [sockets.app]                              # one table a role; no table at all: every role, for cofferd's own user
//   uids = [472]                               # who may connect; required
//   gid  = 472                                 # group of the socket file (mode 0660); default: cofferd's
//   [tcp]                                      # default: no TCP
//   listen = "0.0.0.0:7443"
//   certificate = "/etc/coffer/tls/cert.pem"
//   key = "/etc/coffer/tls/key.pem"
//   client_ca = "/etc/coffer/tls/ca.pem"
//   trust_domain = "example.org"
//   [tokens]                                   # default: no bearer tokens; TLS without client certificates
//   name = "tokens"                            # that tokens of the service's own are bound to, a slug; default: tokens
//   listen = "0.0.0.0:7444"
//   certificate = "/etc/coffer/tls/cert.pem"
//   key = "/etc/coffer/tls/key.pem"
//   [[jwt]]                                    # at most 16 of them, with [tokens]: one subject of one issuer each
//   issuer = "https://kubernetes.default.svc"
//   audience = "coffer"
//   keys = "/etc/coffer/cluster.jwks"          # the issuer's keys (RFC 7517); re-read when it changes
//   subject = "system:serviceaccount:shop:orders"   # exact, as the two above
//   namespace = "shop"                         # of a Kubernetes service account, whose tokens are bound to a pod
//   service_account = "orders"
//   principal = "spiffe://example.org/role/app/orders"   # who comes with it; not admin, restorer or auditor
//   [cache]
//   ciphers = 16384                            # 16 to 1,000,000; about 0.6 KiB each
//   [destroy]
//   delay_hours = 168                          # from the order to the act, at least; 0 to 8,760
//   backup_retention_days = 30                 # how long backups of the store are kept; 1 to 3,650
//   [quotas]                                   # of one caller and one index in a minute; 1 to 1,000,000,000
//   searches = 600                             # IndexTokens
//   indexed_values = 60000                     # values that EncryptFields and RewrapFields make tokens of
//   [audit_witness]                            # default: nobody else watches the audit log
//   interval_seconds = 10                      # a log that grew is shown so often; 1 to 3,600
//   max_age_seconds = 300                      # older cosignatures do not count in the status; 10 to 86,400
//   [[audit_witness.witness]]                  # 1 to 8 of them
//   url = "https://witness.example"            # its submission prefix; required
//   vkey = "witness.example/w1+20324abe+BCm.." # its key, as `coffer audit witness-keygen` prints it; required
//   [audit_retention]                          # default: nothing is dropped
//   records_days = 400                         # age at which records go; 30 to 36,500, 0: never
//   people_days = 90                           # names go so long after their month's end; 1 to 36,500, 0: never
//   [pkcs11]                                   # default: no token keeps seal slots' keys
//   module = "/usr/lib/softhsm/libsofthsm2.so" # loaded into cofferd; required
//   token = "coffer"                           # its label, 1 to 32 bytes; required
//   pin_file = "/etc/coffer/token.pin"         # default: an operator gives the PIN
//   [seal_command]                             # default: no program keeps seal slots' keys
//   argv = ["/usr/local/bin/coffer-kms"]       # 1 to 32 words, the first an absolute path; required
//   timeout_seconds = 30                       # 1 to 600
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/note_key.h"
#include "crypto/result.h"
#include "policy/jwt.h"
#include "policy/principal.h"

namespace coffer::keysvc {

struct SocketConfig {
  std::vector<std::uint32_t> uids;   // 1 to 64, no duplicates
  std::optional<std::uint32_t> gid;  // none: the process's
};

struct TcpConfig {
  std::string listen;
  std::string certificate;
  std::string key;
  std::string client_ca;
  std::string trust_domain;
};

struct TokensConfig {
  std::string name = "tokens";
  std::string listen;
  std::string certificate;
  std::string key;
};

struct JwtConfig {
  policy::JwtRules rules;
  std::string keys;
  policy::Principal principal;
};

struct Pkcs11Config {
  std::string module;
  std::string token;
  std::string pin_file;  // empty: none
};

struct SealCommandConfig {
  std::vector<std::string> argv;
  std::uint32_t timeout_seconds = 30;
};

struct AuditWitnessConfig {
  struct Witness {
    std::string url;
    NoteVerifier key;  // of type kCosignature
  };
  std::vector<Witness> witnesses;  // 1 to 8, no key twice
  std::uint32_t interval_seconds = 10;
  std::uint32_t max_age_seconds = 300;
};

struct AuditRetentionConfig {
  std::uint32_t records_days = 0;  // 0: for ever
  std::uint32_t people_days = 0;   // 0: for ever
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

struct Config {
  std::string data_dir;
  std::string socket_dir;
  std::string key_file;  // empty: none
  std::string key_journal;
  std::string audit_log;
  std::string audit_key;
  std::uint32_t audit_file_kib = 16 * 1024;
  bool allow_swap = false;
  LogLevel log_level = LogLevel::kInfo;
  std::map<policy::Role, SocketConfig> sockets;
  std::optional<TcpConfig> tcp;
  std::optional<TokensConfig> tokens;
  std::vector<JwtConfig> jwt;  // empty when there is no `tokens`; no issuer and subject twice
  std::optional<Pkcs11Config> pkcs11;
  std::optional<SealCommandConfig> seal_command;
  std::optional<AuditWitnessConfig> audit_witness;
  AuditRetentionConfig audit_retention;
  std::size_t cipher_cache = 16'384;
  std::uint32_t destroy_delay_hours = 7 * 24;
  std::uint32_t backup_retention_days = 30;
  std::uint32_t searches_a_minute = 600;
  std::uint32_t indexed_values_a_minute = 60'000;
  bool reflection = false;  // of gRPC, for `cofferd dev` only: no key of the file
};

inline constexpr std::size_t kMaxConfigBytes = 64 * 1024;

// kInvalidArgument, with key and line, for an unknown key, a wrong type or a broken limit. `own_uid` is who may connect
// when no socket is named.
Result<Config> ParseConfig(std::string_view text, std::uint32_t own_uid);
// What `--data-dir` alone means.
Config DefaultConfig(const std::string& data_dir, std::uint32_t own_uid);

std::optional<LogLevel> ParseLogLevel(std::string_view text);

}  // namespace coffer::keysvc
