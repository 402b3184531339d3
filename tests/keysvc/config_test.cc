// cofferd's configuration: what is refused and where it says so, what is accepted, and what is filled in.
#include "tests/keysvc/config_fixture.h"

namespace coffer::keysvc {
namespace {

constexpr char kTcp[] = R"(data_dir = "/d"
[tcp]
listen = "0.0.0.0:7443"
certificate = "/tls/cert.pem"
key = "/tls/key.pem"
client_ca = "/tls/ca.pem"
trust_domain = "example.org"
)";

// A number for each of `count` users, "1, 2, 3".
std::string Uids(int count) {
  std::string list;
  for (int uid = 1; uid <= count; ++uid) list += (uid > 1 ? ", " : "") + std::to_string(uid);
  return list;
}

TEST(ConfigTest, RefusesWhatIsNotToml) {
  for (const BadConfig& bad : std::vector<BadConfig>{
           {"data_dir", "", 1, "not TOML"},
           {"data_dir = \"/d\"\nsocket_dir = /d\n", "", 2, "not TOML"},
           {"data_dir = \"/d\"\n\ndata_dir = \"/e\"\n", "", 3, "not TOML"},
           {"data_dir = \"/d\"\n[tcp\n", "", 2, "not TOML"},
           {"data_dir = \"/d\xff\"\n", "", 1, "not TOML"},
           {"data_dir = \"/d\"\n# \x01\n", "", 2, "not TOML"},
           {"data_dir = \"/" + std::string(kMaxConfigBytes, 'd') + "\"", "", 0, "longer than allowed", kMaxConfigBytes},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, RefusesAWrongTopLevel) {
  for (const BadConfig& bad : std::vector<BadConfig>{
           {"", "data_dir", 1, "is missing"},
           {"# nothing but this\n", "data_dir", 1, "is missing"},
           {"data_dir = \"\"", "data_dir", 1, "not empty"},
           {"data_dir = 7", "data_dir", 1, "must be a text"},
           {"data_dir = [\"/d\"]", "data_dir", 1, "must be a text"},
           {"data_dir = \"d\"", "data_dir", 1, "absolute path"},
           {"\ndata_dir = \"./d\"", "data_dir", 2, "absolute path"},
           {"data_dir = \"~/d\"", "data_dir", 1, "absolute path"},
           {"data_dir = \"/d\\u0000/e\"", "data_dir", 1, "absolute path"},
           {"data_dir = \"/d\"\nsocket_dir = \"s\"", "socket_dir", 2, "absolute path"},
           {"data_dir = \"/d\"\nsocket_dir = false", "socket_dir", 2, "must be a text"},
           {"data_dir = \"/d\"\nkey_file = \"seal.key\"", "key_file", 2, "absolute path"},
           {"data_dir = \"/d\"\nkey_file = \"\"", "key_file", 2, "not empty"},
           {"data_dir = \"/d\"\nkey_journal = \"journal\"", "key_journal", 2, "absolute path"},
           {"data_dir = \"/d\"\nallow_swap = \"true\"", "allow_swap", 2, "true or false"},
           {"data_dir = \"/d\"\nallow_swap = 1", "allow_swap", 2, "true or false"},
           {"data_dir = \"/d\"\nlog_level = \"INFO\"", "log_level", 2, "debug, info, warn or error"},
           {"data_dir = \"/d\"\nlog_level = 3", "log_level", 2, "must be a text"},
           {"data_dir = \"/d\"\nsockets = true", "sockets", 2, "must be a table"},
           {"data_dir = \"/d\"\ntcp = \"0.0.0.0:7443\"", "tcp", 2, "must be a table"},
           {"data_dir = \"/d\"\n[[cache]]\nciphers = 16", "cache", 2, "must be a table"},
           {"data_dir = \"/d\"\ndatadir = \"/e\"", "datadir", 2, "not a key"},
           {"data_dir = \"/d\"\nKey_file = \"/k\"", "Key_file", 2, "not a key"},
           {"data_dir = \"/d\"\n[tls]\n", "tls", 2, "not a key"},
           {"data_dir = \"/d\"\nreflection = true", "reflection", 2, "not a key"},
           {"data_dir = \"/d\"\n\"a\\nb\\\"c\" = 1", "a?b?c", 2, "not a key"},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, RefusesWrongSockets) {
  const std::string head = "data_dir = \"/d\"\n[sockets.app]\n";
  const std::string uids = "must be a list of 1 to 64 user ids";
  for (const BadConfig& bad : std::vector<BadConfig>{
           {head, "sockets.app.uids", 2, uids, 64},
           {head + "uids = []", "sockets.app.uids", 3, uids, 64},
           {head + "uids = 7", "sockets.app.uids", 3, uids, 64},
           {head + "uids = [" + Uids(65) + "]", "sockets.app.uids", 3, uids, 64},
           {head + "uids = [\"postgres\"]", "sockets.app.uids", 3, "must hold user ids"},
           {head + "uids = [1,\n  -1]", "sockets.app.uids", 4, "must hold user ids"},
           {head + "uids = [4294967295]", "sockets.app.uids", 3, "must hold user ids"},
           {head + "uids = [1.0]", "sockets.app.uids", 3, "must hold user ids"},
           {head + "uids = [1, 2, 1]", "sockets.app.uids", 3, "twice"},
           {head + "uids = [1]\ngid = -1", "sockets.app.gid", 4, "is less than allowed"},
           {head + "uids = [1]\ngid = 4294967295", "sockets.app.gid", 4, "is more than allowed", 4294967294},
           {head + "uids = [1]\ngid = \"coffer\"", "sockets.app.gid", 4, "whole number"},
           {head + "uids = [1]\nmode = 384", "sockets.app.mode", 4, "not a key"},
           {"data_dir = \"/d\"\n[sockets.root]\nuids = [1]", "sockets.root", 2, "is not a role"},
           {"data_dir = \"/d\"\n[sockets.App]\nuids = [1]", "sockets.App", 2, "is not a role"},
           {"data_dir = \"/d\"\n[sockets]\ndba = [1]", "sockets.dba", 3, "must be a table"},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, RefusesWrongQuotas) {
  const std::string head = "data_dir = \"/d\"\n[quotas]\n";
  for (const BadConfig& bad : std::vector<BadConfig>{
           {head + "searches = 0", "quotas.searches", 3, "is less than allowed", 1},
           {head + "searches = 1000000001", "quotas.searches", 3, "is more than allowed", 1'000'000'000},
           {head + "indexed_values = -1", "quotas.indexed_values", 3, "is less than allowed", 1},
           {head + "indexed_values = \"none\"", "quotas.indexed_values", 3, "must be a whole number"},
           {head + "decrypts = 1", "quotas.decrypts", 3, "not a key"},
           {"data_dir = \"/d\"\n[destroy]\ndelay_hours = -1", "destroy.delay_hours", 3, "is less than allowed", 0},
           {"data_dir = \"/d\"\n[destroy]\ndelay_hours = 8761", "destroy.delay_hours", 3, "is more than allowed",
            8'760},
           {"data_dir = \"/d\"\n[destroy]\nbackup_retention_days = 0", "destroy.backup_retention_days", 3,
            "is less than allowed", 1},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, RefusesAWrongToken) {
  const std::string head = "data_dir = \"/d\"\n[pkcs11]\n";
  const std::string module = head + "module = \"/m.so\"\n";
  for (const BadConfig& bad : std::vector<BadConfig>{
           {head, "pkcs11.module", 2, "is missing"},
           {head + "module = \"\"", "pkcs11.module", 3, "not empty"},
           {head + "module = \"libsofthsm2.so\"", "pkcs11.module", 3, "absolute path"},
           {head + "module = \"/m\\u0000.so\"", "pkcs11.module", 3, "absolute path"},
           {head + "module = [\"/m.so\"]", "pkcs11.module", 3, "must be a text"},
           {module, "pkcs11.token", 2, "is missing"},
           {module + "token = \"\"", "pkcs11.token", 4, "not empty"},
           {module + "token = 0", "pkcs11.token", 4, "must be a text"},
           {module + "token = \"" + std::string(33, 't') + "\"", "pkcs11.token", 4, "1 to 32 bytes", 32},
           {module + "token = \"t\"\npin_file = \"pin\"", "pkcs11.pin_file", 5, "absolute path"},
           {module + "token = \"t\"\npin_file = \"\"", "pkcs11.pin_file", 5, "not empty"},
           {module + "token = \"t\"\npin = \"1234\"", "pkcs11.pin", 5, "not a key"},
           {module + "token = \"t\"\nslot = 0", "pkcs11.slot", 5, "not a key"},
           {"data_dir = \"/d\"\npkcs11 = \"/m.so\"", "pkcs11", 2, "must be a table"},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, RefusesAWrongSealCommand) {
  const std::string head = "data_dir = \"/d\"\n[seal_command]\n";
  const std::string argv = head + "argv = [\"/kms\"]\n";
  const std::string list = "must be a list of 1 to 32 texts";
  std::string many = "\"/kms\"";
  for (int i = 0; i < 32; ++i) many += ", \"a\"";
  for (const BadConfig& bad : std::vector<BadConfig>{
           {head, "seal_command.argv", 2, "is missing"},
           {head + "argv = \"/kms encrypt\"", "seal_command.argv", 3, list, 32},
           {head + "argv = []", "seal_command.argv", 3, list, 32},
           {head + "argv = [" + many + "]", "seal_command.argv", 3, list, 32},
           {head + "argv = [\"kms\"]", "seal_command.argv", 3, "begin with an absolute path"},
           {head + "argv = [\"\"]", "seal_command.argv", 3, "begin with an absolute path"},
           {head + "argv = [\"/kms\",\n 7]", "seal_command.argv", 4, "must hold texts"},
           {head + "argv = [\"/kms\", \"a\\u0000b\"]", "seal_command.argv", 3, "must hold texts"},
           {head + "argv = [\"/kms\", \"" + std::string(4097, 'a') + "\"]", "seal_command.argv", 3, "longer", 4096},
           {argv + "timeout_seconds = 0", "seal_command.timeout_seconds", 4, "is less than allowed", 1},
           {argv + "timeout_seconds = 601", "seal_command.timeout_seconds", 4, "is more than allowed", 600},
           {argv + "timeout_seconds = 1.5", "seal_command.timeout_seconds", 4, "must be a whole number"},
           {argv + "shell = true", "seal_command.shell", 4, "not a key"},
           {"data_dir = \"/d\"\nseal_command = [\"/kms\"]", "seal_command", 2, "must be a table"},
       }) {
    ExpectRefused(bad);
  }
}

constexpr char kWitnessKey[] = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
constexpr char kLogKey[] =
    "coffer/5acf2349-5267-7809-9a38-25188778f680+68dc9925+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

TEST(ConfigTest, RefusesAWrongAuditWitness) {
  const std::string head = "data_dir = \"/d\"\n[audit_witness]\n";
  const std::string one = "[[audit_witness.witness]]\n";
  const std::string url = "url = \"http://w\"\n";
  const std::string vkey = "vkey = \"" + std::string(kWitnessKey) + "\"\n";
  const std::string list = "must be a list of 1 to 8 tables";
  const std::string key = "must be a witness's key";
  std::string many;
  for (int i = 0; i < 9; ++i) many += one + url + vkey;
  for (const BadConfig& bad : std::vector<BadConfig>{
           {head, "audit_witness.witness", 2, list, 8},
           {head + "witness = []", "audit_witness.witness", 3, list, 8},
           {head + "witness = \"http://w\"", "audit_witness.witness", 3, list, 8},
           {head + "witness = [\"http://w\"]", "audit_witness.witness", 3, "must be a table"},
           {head + many, "audit_witness.witness", 3, list, 8},
           {head + one + vkey, "audit_witness.witness.url", 3, "is missing"},
           {head + one + "url = \"w\"\n" + vkey, "audit_witness.witness.url", 4, "must be a URL"},
           {head + one + "url = \"ftp://w\"\n" + vkey, "audit_witness.witness.url", 4, "must be a URL"},
           {head + one + url, "audit_witness.witness.vkey", 3, "is missing"},
           {head + one + url + "vkey = \"w1\"", "audit_witness.witness.vkey", 5, key},
           {head + one + url + "vkey = \"" + kLogKey + "\"", "audit_witness.witness.vkey", 5, key},
           {head + one + url + vkey + one + url + vkey, "audit_witness.witness.vkey", 6, "of another witness"},
           {head + one + url + vkey + "name = \"w\"", "audit_witness.witness.name", 6, "not a key"},
           {head + "interval_seconds = 0\n" + one + url + vkey, "audit_witness.interval_seconds", 3, "is less", 1},
           {head + "interval_seconds = 3601\n" + one + url + vkey, "audit_witness.interval_seconds", 3, "is more",
            3600},
           {head + "max_age_seconds = 9\n" + one + url + vkey, "audit_witness.max_age_seconds", 3, "is less", 10},
           {head + "max_age_seconds = 86401\n" + one + url + vkey, "audit_witness.max_age_seconds", 3, "is more",
            86400},
           {head + "quorum = 1\n" + one + url + vkey, "audit_witness.quorum", 3, "not a key"},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, AuditWitnessesAreRead) {
  const std::string one =
      "[[audit_witness.witness]]\nurl = \"https://w.example/log\"\nvkey = \"" + std::string(kWitnessKey) + "\"\n";
  const Result<Config> least = ParseConfig("data_dir = \"/d\"\n" + one, kOwnUid);
  ASSERT_TRUE(least.ok()) << least.error().ToString();
  ASSERT_TRUE(least->audit_witness.has_value());
  EXPECT_EQ(least->audit_witness->interval_seconds, 10U);
  EXPECT_EQ(least->audit_witness->max_age_seconds, 300U);
  ASSERT_EQ(least->audit_witness->witnesses.size(), 1U);
  EXPECT_EQ(least->audit_witness->witnesses[0].url, "https://w.example/log");
  EXPECT_EQ(least->audit_witness->witnesses[0].key.ToText(), kWitnessKey);
  const Result<Config> whole =
      ParseConfig("data_dir = \"/d\"\n[audit_witness]\ninterval_seconds = 1\nmax_age_seconds = 10\n" + one, kOwnUid);
  ASSERT_TRUE(whole.ok()) << whole.error().ToString();
  EXPECT_EQ(whole->audit_witness->interval_seconds, 1U);
  EXPECT_EQ(whole->audit_witness->max_age_seconds, 10U);
  EXPECT_FALSE(ParseConfig("data_dir = \"/d\"", kOwnUid)->audit_witness.has_value());
}

TEST(ConfigTest, RefusesAWrongAuditRetention) {
  const std::string head = "data_dir = \"/d\"\n[audit_retention]\n";
  const std::string records = "audit_retention.records_days";
  const std::string people = "audit_retention.people_days";
  for (const BadConfig& bad : std::vector<BadConfig>{
           {"data_dir = \"/d\"\naudit_retention = 30", "audit_retention", 2, "must be a table"},
           {head + "records_days = 29", records, 3, "is less than allowed, and not 0", 30},
           {head + "records_days = 1", records, 3, "is less than allowed, and not 0", 30},
           {head + "records_days = -1", records, 3, "is less than allowed"},
           {head + "records_days = 36501", records, 3, "is more than allowed", 36500},
           {head + "records_days = \"90\"", records, 3, "must be a whole number"},
           {head + "records_days = 90.0", records, 3, "must be a whole number"},
           {head + "people_days = -1", people, 3, "is less than allowed"},
           {head + "people_days = 36501", people, 3, "is more than allowed", 36500},
           {head + "people_days = true", people, 3, "must be a whole number"},
           {head + "people_months = 3", "audit_retention.people_months", 3, "not a key"},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, AuditRetentionIsReadAndKeepsEverythingUnlessTold) {
  const Result<Config> least = ParseConfig("data_dir = \"/d\"\n[audit_retention]\n", kOwnUid);
  ASSERT_TRUE(least.ok()) << least.error().ToString();
  EXPECT_EQ(least->audit_retention.records_days, 0U);
  EXPECT_EQ(least->audit_retention.people_days, 0U);
  for (const auto& [records, people] : {std::pair(0U, 0U), std::pair(30U, 1U), std::pair(36'500U, 36'500U)}) {
    const Result<Config> config =
        ParseConfig("data_dir = \"/d\"\n[audit_retention]\nrecords_days = " + std::to_string(records) +
                        "\npeople_days = " + std::to_string(people),
                    kOwnUid);
    ASSERT_TRUE(config.ok()) << config.error().ToString();
    EXPECT_EQ(config->audit_retention.records_days, records);
    EXPECT_EQ(config->audit_retention.people_days, people);
  }
}

TEST(ConfigTest, KeepersOfSlotKeysAreRead) {
  const Result<Config> config = ParseConfig(R"(data_dir = "/d"
[pkcs11]
module = "/usr/lib/m.so"
token = "12345678901234567890123456789012"
pin_file = "/etc/coffer/token.pin"
[seal_command]
argv = ["/kms", "", "--region", "eu"]
timeout_seconds = 600
)",
                                            kOwnUid);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  ASSERT_TRUE(config->pkcs11.has_value());
  EXPECT_EQ(config->pkcs11->module, "/usr/lib/m.so");
  EXPECT_EQ(config->pkcs11->token, "12345678901234567890123456789012");
  EXPECT_EQ(config->pkcs11->pin_file, "/etc/coffer/token.pin");
  ASSERT_TRUE(config->seal_command.has_value());
  EXPECT_EQ(config->seal_command->argv, (std::vector<std::string>{"/kms", "", "--region", "eu"}));
  EXPECT_EQ(config->seal_command->timeout_seconds, 600U);

  const Result<Config> least = ParseConfig(
      "data_dir = \"/d\"\npkcs11 = { module = \"/m\", token = \"t\" }\n"
      "seal_command = { argv = [\"/kms\"] }",
      kOwnUid);
  ASSERT_TRUE(least.ok()) << least.error().ToString();
  EXPECT_EQ(least->pkcs11->pin_file, "");
  EXPECT_EQ(least->seal_command->timeout_seconds, 30U);
}

TEST(ConfigTest, RefusesAWrongTcpOrCache) {
  const std::string domain = "must be [a-z0-9._-]";
  const std::string least = "is less than allowed";
  const std::string most = "is more than allowed";
  const std::string cache = "data_dir = \"/d\"\n[cache]\nciphers = ";
  for (const BadConfig& bad : std::vector<BadConfig>{
           {With(kTcp, "listen = \"0.0.0.0:7443\"\n", ""), "tcp.listen", 2, "is missing"},
           {With(kTcp, "0.0.0.0:7443", ""), "tcp.listen", 3, "not empty"},
           {With(kTcp, "certificate = \"/tls/cert.pem\"\n", ""), "tcp.certificate", 2, "is missing"},
           {With(kTcp, "/tls/cert.pem", "cert.pem"), "tcp.certificate", 4, "absolute path"},
           {With(kTcp, "key = \"/tls/key.pem\"\n", ""), "tcp.key", 2, "is missing"},
           {With(kTcp, "client_ca = \"/tls/ca.pem\"\n", ""), "tcp.client_ca", 2, "is missing"},
           {With(kTcp, "/tls/ca.pem", "ca.pem"), "tcp.client_ca", 6, "absolute path"},
           {With(kTcp, "trust_domain = \"example.org\"\n", ""), "tcp.trust_domain", 2, "is missing"},
           {With(kTcp, "example.org", "Example.org"), "tcp.trust_domain", 7, domain},
           {With(kTcp, "example.org", "example.org/role"), "tcp.trust_domain", 7, domain},
           {With(kTcp, "example.org", std::string(256, 'a')), "tcp.trust_domain", 7, domain},
           {std::string(kTcp) + "min_tls = \"1.2\"", "tcp.min_tls", 8, "not a key"},
           {cache + "15", "cache.ciphers", 3, least, 16},
           {cache + "1000001", "cache.ciphers", 3, most, 1'000'000},
           {cache + "-16", "cache.ciphers", 3, least, 16},
           {cache + "16.0", "cache.ciphers", 3, "must be a whole number"},
           {cache + "16\nsize = 1", "cache.size", 4, "not a key"},
       }) {
    ExpectRefused(bad);
  }
}

TEST(ConfigTest, ErrorsNeverShowAValue) {
  for (const char* text : {"data_dir = \"hunter2\"", "data_dir = \"/d\"\nlog_level = \"hunter2\"",
                           "data_dir = \"/d\"\n[sockets.app]\nuids = [\"hunter2\"]", "data_dir = hunter2"}) {
    const Result<Config> parsed = ParseConfig(text, kOwnUid);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().ToString().find("hunter2"), std::string::npos) << parsed.error().ToString();
  }
}

TEST(ConfigTest, ADataFolderAloneMeansEveryRoleForOwnUser) {
  const Result<Config> parsed = ParseConfig("data_dir = \"/d\"", kOwnUid);
  ASSERT_TRUE(parsed.ok()) << parsed.error().ToString();
  const Config alone = DefaultConfig("/d", kOwnUid);
  for (const Config* config : {&*parsed, &alone}) {
    EXPECT_EQ(config->data_dir, "/d");
    EXPECT_EQ(config->socket_dir, "/d");
    EXPECT_EQ(config->key_file, "");
    EXPECT_FALSE(config->allow_swap);
    EXPECT_EQ(config->log_level, LogLevel::kInfo);
    EXPECT_FALSE(config->tcp.has_value());
    EXPECT_FALSE(config->pkcs11.has_value());
    EXPECT_FALSE(config->seal_command.has_value());
    EXPECT_FALSE(config->reflection);
    EXPECT_EQ(config->cipher_cache, 16'384U);
    ASSERT_EQ(config->sockets.size(), policy::kRoleCount);
    for (const auto& [role, socket] : config->sockets) {
      EXPECT_EQ(socket.uids, std::vector<std::uint32_t>{kOwnUid}) << policy::RoleName(role);
      EXPECT_FALSE(socket.gid.has_value());
    }
  }
}

TEST(ConfigTest, EveryKeyIsRead) {
  const std::string text = With(kTcp, "data_dir = \"/d\"\n", R"(data_dir = "/d"
socket_dir = "/run/coffer"
key_file = "/etc/coffer/seal.key"
key_journal = "/mnt/other"
allow_swap = true
log_level = "warn"
sockets = { app = { uids = [472, 0], gid = 473 }, backup-agent = { uids = [4294967294] } }
cache.ciphers = 16
quotas = { searches = 1, indexed_values = 1000000000 }
)");
  const Result<Config> config = ParseConfig(text, kOwnUid);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->socket_dir, "/run/coffer");
  EXPECT_EQ(config->key_file, "/etc/coffer/seal.key");
  EXPECT_EQ(config->key_journal, "/mnt/other");
  EXPECT_TRUE(config->allow_swap);
  EXPECT_EQ(config->log_level, LogLevel::kWarn);
  EXPECT_EQ(config->cipher_cache, 16U);
  EXPECT_EQ(config->searches_a_minute, 1U);
  EXPECT_EQ(config->indexed_values_a_minute, 1'000'000'000U);
  ASSERT_EQ(config->sockets.size(), 2U) << "naming one socket leaves no other open";
  EXPECT_EQ(config->sockets.at(policy::Role::kApp).uids, (std::vector<std::uint32_t>{472, 0}));
  EXPECT_EQ(config->sockets.at(policy::Role::kApp).gid, 473U);
  EXPECT_EQ(config->sockets.at(policy::Role::kBackupAgent).uids, std::vector<std::uint32_t>{4294967294});
  ASSERT_TRUE(config->tcp.has_value());
  EXPECT_EQ(config->tcp->listen, "0.0.0.0:7443");
  EXPECT_EQ(config->tcp->certificate, "/tls/cert.pem");
  EXPECT_EQ(config->tcp->key, "/tls/key.pem");
  EXPECT_EQ(config->tcp->client_ca, "/tls/ca.pem");
  EXPECT_EQ(config->tcp->trust_domain, "example.org");
}

TEST(ConfigTest, TheLimitsThemselvesAreAccepted) {
  const std::string most = With(kTcp, "example.org", std::string(255, 'a')) +
                           "[cache]\nciphers = 1000000\n[sockets.dba]\nuids = [" + Uids(64) + "]\ngid = 4294967294\n";
  const Result<Config> config = ParseConfig(most + std::string(kMaxConfigBytes - most.size(), '\n'), kOwnUid);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->cipher_cache, 1'000'000U);
  EXPECT_EQ(config->sockets.at(policy::Role::kDba).uids.size(), 64U);
}

TEST(ConfigTest, AnEmptySocketsTableOpensNoSocket) {
  const Result<Config> config = ParseConfig("data_dir = \"/d\"\n[sockets]\n", kOwnUid);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_TRUE(config->sockets.empty());
}

TEST(ConfigTest, LogLevelsAreFourWords) {
  EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("info"), LogLevel::kInfo);
  EXPECT_EQ(ParseLogLevel("warn"), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("error"), LogLevel::kError);
  for (const char* text : {"", "trace", "Info", "warning", "info "})
    EXPECT_FALSE(ParseLogLevel(text).has_value()) << text;
}

}  // namespace
}  // namespace coffer::keysvc
