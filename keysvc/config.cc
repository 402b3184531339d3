#include "keysvc/config.h"

#include <algorithm>
#include <set>

#include <toml++/toml.h>

#include "crypto/names.h"
#include "io/http_client.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kMaxUids = 64;
constexpr std::int64_t kMaxId = 0xfffffffe;  // 2^32 - 1 is "none" to the kernel
constexpr std::int64_t kMinAuditFileKib = 128;
constexpr std::int64_t kMaxAuditFileKib = 1'048'576;
constexpr std::int64_t kMaxDelayHours = 8'760;
constexpr std::int64_t kMaxRetentionDays = 3'650;
constexpr std::int64_t kMaxQuota = 1'000'000'000;
constexpr std::size_t kMaxJwtTables = 16;
constexpr char kServiceAccountPrefix[] = "system:serviceaccount:";  // what Kubernetes begins such a `sub` with
constexpr std::size_t kMaxTokenLabel = 32;                          // as PKCS#11 has it
constexpr std::size_t kMaxArguments = 32;
constexpr std::size_t kMaxArgument = 4096;
constexpr std::int64_t kMaxCommandSeconds = 600;
constexpr std::size_t kMaxWitnesses = 8;
constexpr std::int64_t kMaxWitnessInterval = 3'600;
constexpr std::int64_t kMinWitnessAge = 10;
constexpr std::int64_t kMaxWitnessAge = 86'400;
constexpr std::int64_t kMinRecordsDays = 30;
constexpr std::int64_t kMaxAuditDays = 36'500;
constexpr std::int64_t kMinCiphers = 16;
constexpr std::int64_t kMaxCiphers = 1'000'000;

Error Bad(Literal message, const std::string& path, const toml::node* node = nullptr) {
  Error error(ErrorCode::kInvalidArgument, message);
  if (node != nullptr && node->source().begin.line != 0) error = std::move(error).AtLine(node->source().begin.line);
  return std::move(error).At(path);
}

// Reads a table's keys one by one; what was not asked for is an unknown key.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string prefix) : table_(table), prefix_(std::move(prefix)) {}

  Status Text(std::string_view key, std::string& out, bool required) {
    const toml::node* node = Take(key);
    if (node == nullptr) return required ? Status(Bad("is missing", Path(key), &table_)) : Status();
    const auto value = node->value_exact<std::string>();
    if (!value || value->empty()) return Bad("must be a text that is not empty", Path(key), node);
    out = *value;
    return {};
  }

  Status AbsolutePath(std::string_view key, std::string& out, bool required) {
    COFFER_TRY(Text(key, out, required));
    const bool cut_short = out.find('\0') != std::string::npos;  // as the system would read it
    if (!out.empty() && (out.front() != '/' || cut_short))
      return Bad("must be an absolute path", Path(key), table_.get(key));
    return {};
  }

  Status Flag(std::string_view key, bool& out) {
    const toml::node* node = Take(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<bool>();
    if (!value) return Bad("must be true or false", Path(key), node);
    out = *value;
    return {};
  }

  Status Integer(std::string_view key, std::int64_t least, std::int64_t most, std::optional<std::int64_t>& out) {
    const toml::node* node = Take(key);
    if (node == nullptr) return {};
    out = node->value_exact<std::int64_t>();
    if (!out) return Bad("must be a whole number", Path(key), node);
    if (*out < least) {
      return std::move(Bad("is less than allowed", Path(key), node)).WithLimit(static_cast<std::uint64_t>(least));
    }
    if (*out > most) {
      return std::move(Bad("is more than allowed", Path(key), node)).WithLimit(static_cast<std::uint64_t>(most));
    }
    return {};
  }

  Result<const toml::table*> Table(std::string_view key) {
    const toml::node* node = Take(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) return Bad("must be a table", Path(key), node);
    return node->as_table();
  }

  const toml::node* Take(std::string_view key) {
    known_.emplace(key);
    return table_.get(key);
  }
  // Where a key's error is: its value, or the table when it is missing.
  const toml::node* PlaceOf(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node == nullptr ? &table_ : node;
  }

  Status Finish() const {
    for (const auto& [key, node] : table_) {
      if (!known_.contains(key.str())) return Bad("is not a key that exists here", Path(key.str()), &node);
    }
    return {};
  }

  std::string Path(std::string_view key) const { return prefix_ + std::string(key); }

 private:
  const toml::table& table_;
  std::string prefix_;
  std::set<std::string, std::less<>> known_;
};

Status ReadUids(TableReader& reader, std::vector<std::uint32_t>& out) {
  const toml::node* node = reader.Take("uids");
  const toml::array* list = node == nullptr ? nullptr : node->as_array();
  if (list == nullptr || list->empty() || list->size() > kMaxUids) {
    return std::move(Bad("must be a list of 1 to 64 user ids", reader.Path("uids"), reader.PlaceOf("uids")))
        .WithLimit(kMaxUids);
  }
  for (const toml::node& element : *list) {
    const auto uid = element.value_exact<std::int64_t>();
    if (!uid || *uid < 0 || *uid > kMaxId) return Bad("must hold user ids", reader.Path("uids"), &element);
    const auto value = static_cast<std::uint32_t>(*uid);
    if (std::find(out.begin(), out.end(), value) != out.end())
      return Bad("names a user id twice", reader.Path("uids"), &element);
    out.push_back(value);
  }
  return {};
}

Status ReadSockets(const toml::table& table, Config& config) {
  for (const auto& [key, node] : table) {
    const std::string path = "sockets." + std::string(key.str());
    const std::optional<policy::Role> role = policy::ParseRole(key.str());
    if (!role) return Bad("is not a role: app, dba, auditor, backup-agent, restorer or admin", path, &node);
    if (!node.is_table()) return Bad("must be a table", path, &node);
    TableReader reader(*node.as_table(), path + ".");
    SocketConfig socket;
    COFFER_TRY(ReadUids(reader, socket.uids));
    std::optional<std::int64_t> gid;
    COFFER_TRY(reader.Integer("gid", 0, kMaxId, gid));
    if (gid) socket.gid = static_cast<std::uint32_t>(*gid);
    COFFER_TRY(reader.Finish());
    config.sockets.emplace(*role, std::move(socket));
  }
  return {};
}

Status ReadTcp(const toml::table& table, Config& config) {
  TableReader reader(table, "tcp.");
  TcpConfig tcp;
  COFFER_TRY(reader.Text("listen", tcp.listen, true));
  COFFER_TRY(reader.AbsolutePath("certificate", tcp.certificate, true));
  COFFER_TRY(reader.AbsolutePath("key", tcp.key, true));
  COFFER_TRY(reader.AbsolutePath("client_ca", tcp.client_ca, true));
  COFFER_TRY(reader.Text("trust_domain", tcp.trust_domain, true));
  if (!policy::IsTrustDomain(tcp.trust_domain)) {
    return Bad("must be [a-z0-9._-], at most 255 characters", "tcp.trust_domain", reader.PlaceOf("trust_domain"));
  }
  COFFER_TRY(reader.Finish());
  config.tcp = std::move(tcp);
  return {};
}

Status ReadTokens(const toml::table& table, Config& config) {
  TableReader reader(table, "tokens.");
  TokensConfig tokens;
  COFFER_TRY(reader.Text("name", tokens.name, false));
  if (!IsSlug(tokens.name)) return Bad("must be [a-z0-9][a-z0-9-]{0,62}", "tokens.name", reader.PlaceOf("name"));
  COFFER_TRY(reader.Text("listen", tokens.listen, true));
  COFFER_TRY(reader.AbsolutePath("certificate", tokens.certificate, true));
  COFFER_TRY(reader.AbsolutePath("key", tokens.key, true));
  COFFER_TRY(reader.Finish());
  config.tokens = std::move(tokens);
  return {};
}

// A service account's token counts only as a whole: account, namespace, and the pod that it is bound to.
Status ReadServiceAccount(TableReader& reader, policy::JwtRules& rules) {
  std::string space;
  std::string account;
  COFFER_TRY(reader.Text("namespace", space, false));
  COFFER_TRY(reader.Text("service_account", account, false));
  const bool named = rules.subject.starts_with(kServiceAccountPrefix);
  if (space.empty() && account.empty() && !named) return {};
  const char* const missing = space.empty() ? "namespace" : "service_account";
  if (space.empty() || account.empty()) {
    return Bad("is missing: a service account is named by namespace and service_account", reader.Path(missing),
               reader.PlaceOf(missing));
  }
  if (rules.subject != kServiceAccountPrefix + space + ":" + account) {
    return Bad("must be system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT", reader.Path("subject"),
               reader.PlaceOf("subject"));
  }
  rules.kubernetes_namespace = std::move(space);
  rules.service_account = std::move(account);
  rules.require_bound_pod = true;
  return {};
}

Status ReadBearer(TableReader& reader, policy::Principal& out) {
  std::string text;
  COFFER_TRY(reader.Text("principal", text, true));
  Result<policy::Principal> principal = policy::ParseBearerPrincipal(text);
  if (principal.ok()) {
    out = std::move(principal).value();
    return {};
  }
  const std::string path = reader.Path("principal");
  if (principal.error().code() == ErrorCode::kPermissionDenied) {
    return Bad("has a role that no bearer token may have: admin, restorer, auditor", path, reader.PlaceOf("principal"));
  }
  return Bad("must be spiffe://DOMAIN/role/ROLE/NAME", path, reader.PlaceOf("principal"));
}

Status ReadJwtTable(const toml::node& node, Config& config) {
  if (!node.is_table()) return Bad("must be a table", "jwt", &node);
  TableReader reader(*node.as_table(), "jwt.");
  JwtConfig jwt;
  COFFER_TRY(reader.Text("issuer", jwt.rules.issuer, true));
  COFFER_TRY(reader.Text("audience", jwt.rules.audience, true));
  COFFER_TRY(reader.AbsolutePath("keys", jwt.keys, true));
  COFFER_TRY(reader.Text("subject", jwt.rules.subject, true));
  COFFER_TRY(ReadServiceAccount(reader, jwt.rules));
  COFFER_TRY(ReadBearer(reader, jwt.principal));
  COFFER_TRY(reader.Finish());
  if (const Status valid = jwt.rules.Validate(); !valid.ok()) {
    const toml::node* const place = reader.PlaceOf(valid.error().path());
    return Error(valid.error()).AtLine(place->source().begin.line).At("jwt");
  }
  for (const JwtConfig& other : config.jwt) {
    if (other.rules.issuer == jwt.rules.issuer && other.rules.subject == jwt.rules.subject) {
      return Bad("is the subject of another table with the same issuer", reader.Path("subject"),
                 reader.PlaceOf("subject"));
    }
  }
  config.jwt.push_back(std::move(jwt));
  return {};
}

Status ReadJwt(const toml::node* tokens, const toml::node* jwt, Config& config) {
  if (jwt == nullptr) return {};
  if (tokens == nullptr) return Bad("is missing: [[jwt]] needs a listener", "tokens", jwt);
  const toml::array* const list = jwt->as_array();
  if (list == nullptr || list->empty() || list->size() > kMaxJwtTables) {
    return Bad("must be a list of 1 to 16 tables", "jwt", jwt).WithLimit(kMaxJwtTables);
  }
  for (const toml::node& element : *list) COFFER_TRY(ReadJwtTable(element, config));
  return {};
}

Status ReadCache(const toml::table& table, Config& config) {
  TableReader reader(table, "cache.");
  std::optional<std::int64_t> ciphers;
  COFFER_TRY(reader.Integer("ciphers", kMinCiphers, kMaxCiphers, ciphers));
  if (ciphers) config.cipher_cache = static_cast<std::size_t>(*ciphers);
  return reader.Finish();
}

Status ReadDestroy(const toml::table& table, Config& config) {
  TableReader reader(table, "destroy.");
  std::optional<std::int64_t> hours;
  std::optional<std::int64_t> days;
  COFFER_TRY(reader.Integer("delay_hours", 0, kMaxDelayHours, hours));
  COFFER_TRY(reader.Integer("backup_retention_days", 1, kMaxRetentionDays, days));
  if (hours) config.destroy_delay_hours = static_cast<std::uint32_t>(*hours);
  if (days) config.backup_retention_days = static_cast<std::uint32_t>(*days);
  return reader.Finish();
}

Status ReadQuotas(const toml::table& table, Config& config) {
  TableReader reader(table, "quotas.");
  std::optional<std::int64_t> searches;
  std::optional<std::int64_t> values;
  COFFER_TRY(reader.Integer("searches", 1, kMaxQuota, searches));
  COFFER_TRY(reader.Integer("indexed_values", 1, kMaxQuota, values));
  if (searches) config.searches_a_minute = static_cast<std::uint32_t>(*searches);
  if (values) config.indexed_values_a_minute = static_cast<std::uint32_t>(*values);
  return reader.Finish();
}

Status ReadPkcs11(const toml::table& table, Config& config) {
  TableReader reader(table, "pkcs11.");
  Pkcs11Config pkcs11;
  COFFER_TRY(reader.AbsolutePath("module", pkcs11.module, true));
  COFFER_TRY(reader.Text("token", pkcs11.token, true));
  if (pkcs11.token.size() > kMaxTokenLabel) {
    return std::move(Bad("must have 1 to 32 bytes", "pkcs11.token", reader.PlaceOf("token"))).WithLimit(kMaxTokenLabel);
  }
  COFFER_TRY(reader.AbsolutePath("pin_file", pkcs11.pin_file, false));
  COFFER_TRY(reader.Finish());
  config.pkcs11 = std::move(pkcs11);
  return {};
}

Status ReadArguments(TableReader& reader, std::vector<std::string>& out) {
  const toml::node* node = reader.Take("argv");
  const std::string path = reader.Path("argv");
  if (node == nullptr) return Bad("is missing", path, reader.PlaceOf("argv"));
  const toml::array* list = node->as_array();
  if (list == nullptr || list->empty() || list->size() > kMaxArguments) {
    return std::move(Bad("must be a list of 1 to 32 texts", path, node)).WithLimit(kMaxArguments);
  }
  for (const toml::node& element : *list) {
    const auto argument = element.value_exact<std::string>();
    if (!argument || argument->find('\0') != std::string::npos)
      return Bad("must hold texts without NUL characters", path, &element);
    if (argument->size() > kMaxArgument)
      return std::move(Bad("holds a text that is longer than allowed", path, &element)).WithLimit(kMaxArgument);
    out.push_back(*argument);
  }
  if (out.front().empty() || out.front().front() != '/')
    return Bad("must begin with an absolute path", path, list->get(0));
  return {};
}

Status ReadSealCommand(const toml::table& table, Config& config) {
  TableReader reader(table, "seal_command.");
  SealCommandConfig command;
  COFFER_TRY(ReadArguments(reader, command.argv));
  std::optional<std::int64_t> seconds;
  COFFER_TRY(reader.Integer("timeout_seconds", 1, kMaxCommandSeconds, seconds));
  if (seconds) command.timeout_seconds = static_cast<std::uint32_t>(*seconds);
  COFFER_TRY(reader.Finish());
  config.seal_command = std::move(command);
  return {};
}

Status ReadWitness(const toml::node& node, AuditWitnessConfig& out) {
  const std::string path = "audit_witness.witness";
  if (!node.is_table()) return Bad("must be a table", path, &node);
  TableReader reader(*node.as_table(), path + ".");
  std::string url;
  std::string vkey;
  COFFER_TRY(reader.Text("url", url, true));
  if (!CheckUrl(url).ok()) {
    return Bad("must be a URL that begins with http:// or https://", reader.Path("url"), reader.PlaceOf("url"));
  }
  COFFER_TRY(reader.Text("vkey", vkey, true));
  Result<NoteVerifier> key = NoteVerifier::Parse(vkey);
  if (!key.ok() || key->type() != NoteKeyType::kCosignature) {
    return Bad("must be a witness's key, NAME+ID+BASE64", reader.Path("vkey"), reader.PlaceOf("vkey"));
  }
  for (const AuditWitnessConfig::Witness& other : out.witnesses) {
    if (other.key.key() == key->key()) return Bad("is the key of another witness", reader.Path("vkey"), &node);
  }
  COFFER_TRY(reader.Finish());
  out.witnesses.push_back({std::move(url), std::move(key).value()});
  return {};
}

Status ReadAuditWitness(const toml::table& table, Config& config) {
  TableReader reader(table, "audit_witness.");
  AuditWitnessConfig witness;
  std::optional<std::int64_t> interval;
  std::optional<std::int64_t> max_age;
  COFFER_TRY(reader.Integer("interval_seconds", 1, kMaxWitnessInterval, interval));
  COFFER_TRY(reader.Integer("max_age_seconds", kMinWitnessAge, kMaxWitnessAge, max_age));
  if (interval) witness.interval_seconds = static_cast<std::uint32_t>(*interval);
  if (max_age) witness.max_age_seconds = static_cast<std::uint32_t>(*max_age);
  const toml::node* const node = reader.Take("witness");
  const toml::array* const list = node == nullptr ? nullptr : node->as_array();
  if (list == nullptr || list->empty() || list->size() > kMaxWitnesses) {
    return std::move(Bad("must be a list of 1 to 8 tables", "audit_witness.witness", reader.PlaceOf("witness")))
        .WithLimit(kMaxWitnesses);
  }
  for (const toml::node& element : *list) COFFER_TRY(ReadWitness(element, witness));
  COFFER_TRY(reader.Finish());
  config.audit_witness = std::move(witness);
  return {};
}

// 0, or at least `least`.
Status ReadDays(TableReader& reader, std::string_view key, std::int64_t least, std::uint32_t& out) {
  std::optional<std::int64_t> days;
  COFFER_TRY(reader.Integer(key, 0, kMaxAuditDays, days));
  if (!days) return {};
  if (*days != 0 && *days < least) {
    return Bad("is less than allowed, and not 0", reader.Path(key), reader.PlaceOf(key))
        .WithLimit(static_cast<std::uint64_t>(least));
  }
  out = static_cast<std::uint32_t>(*days);
  return {};
}

Status ReadAuditRetention(const toml::table& table, Config& config) {
  TableReader reader(table, "audit_retention.");
  COFFER_TRY(ReadDays(reader, "records_days", kMinRecordsDays, config.audit_retention.records_days));
  COFFER_TRY(ReadDays(reader, "people_days", 1, config.audit_retention.people_days));
  return reader.Finish();
}

Status ReadLogLevel(TableReader& reader, Config& config) {
  std::string text;
  COFFER_TRY(reader.Text("log_level", text, false));
  if (text.empty()) return {};
  const std::optional<LogLevel> level = ParseLogLevel(text);
  if (!level) return Bad("must be debug, info, warn or error", "log_level", reader.PlaceOf("log_level"));
  config.log_level = *level;
  return {};
}

Result<Config> ReadConfig(const toml::table& root, std::uint32_t own_uid) {
  TableReader reader(root, "");
  std::string data_dir;
  COFFER_TRY(reader.AbsolutePath("data_dir", data_dir, true));
  Config config = DefaultConfig(data_dir, own_uid);
  COFFER_TRY(reader.AbsolutePath("socket_dir", config.socket_dir, false));
  COFFER_TRY(reader.AbsolutePath("key_file", config.key_file, false));
  COFFER_TRY(reader.AbsolutePath("key_journal", config.key_journal, false));
  COFFER_TRY(reader.AbsolutePath("audit_log", config.audit_log, false));
  COFFER_TRY(reader.AbsolutePath("audit_key", config.audit_key, false));
  std::optional<std::int64_t> audit_file_kib;
  COFFER_TRY(reader.Integer("audit_file_kib", kMinAuditFileKib, kMaxAuditFileKib, audit_file_kib));
  if (audit_file_kib) config.audit_file_kib = static_cast<std::uint32_t>(*audit_file_kib);
  COFFER_TRY(reader.Flag("allow_swap", config.allow_swap));
  COFFER_TRY(ReadLogLevel(reader, config));
  COFFER_ASSIGN_OR_RETURN(const toml::table* sockets, reader.Table("sockets"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* tcp, reader.Table("tcp"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* tokens, reader.Table("tokens"));
  const toml::node* const jwt = reader.Take("jwt");
  COFFER_ASSIGN_OR_RETURN(const toml::table* cache, reader.Table("cache"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* quotas, reader.Table("quotas"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* destroy, reader.Table("destroy"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* pkcs11, reader.Table("pkcs11"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* seal_command, reader.Table("seal_command"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* audit_witness, reader.Table("audit_witness"));
  COFFER_ASSIGN_OR_RETURN(const toml::table* audit_retention, reader.Table("audit_retention"));
  COFFER_TRY(reader.Finish());
  if (audit_retention != nullptr) COFFER_TRY(ReadAuditRetention(*audit_retention, config));
  if (audit_witness != nullptr) COFFER_TRY(ReadAuditWitness(*audit_witness, config));
  if (sockets != nullptr) {
    config.sockets.clear();
    COFFER_TRY(ReadSockets(*sockets, config));
  }
  if (tcp != nullptr) COFFER_TRY(ReadTcp(*tcp, config));
  if (tokens != nullptr) COFFER_TRY(ReadTokens(*tokens, config));
  COFFER_TRY(ReadJwt(tokens, jwt, config));
  if (cache != nullptr) COFFER_TRY(ReadCache(*cache, config));
  if (quotas != nullptr) COFFER_TRY(ReadQuotas(*quotas, config));
  if (destroy != nullptr) COFFER_TRY(ReadDestroy(*destroy, config));
  if (pkcs11 != nullptr) COFFER_TRY(ReadPkcs11(*pkcs11, config));
  if (seal_command != nullptr) COFFER_TRY(ReadSealCommand(*seal_command, config));
  return config;
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return std::nullopt;
}

Config DefaultConfig(const std::string& data_dir, std::uint32_t own_uid) {
  Config config;
  config.data_dir = data_dir;
  config.socket_dir = data_dir;
  config.key_journal = data_dir + "/journal";
  config.audit_log = data_dir + "/audit";
  config.audit_key = data_dir + "/audit.key";
  for (const policy::Role role : policy::AllRoles())
    config.sockets[role] = SocketConfig{.uids = {own_uid}, .gid = std::nullopt};
  return config;
}

Result<Config> ParseConfig(std::string_view text, std::uint32_t own_uid) {
  if (text.size() > kMaxConfigBytes) {
    return Error(ErrorCode::kInvalidArgument, "the configuration is longer than allowed").WithLimit(kMaxConfigBytes);
  }
  try {
    const toml::table root = toml::parse(text);
    return ReadConfig(root, own_uid);
  } catch (const toml::parse_error& error) {
    return Error(ErrorCode::kInvalidArgument, "the configuration is not TOML").AtLine(error.source().begin.line);
  }
}

}  // namespace coffer::keysvc
