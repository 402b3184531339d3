#include "bench/grafana_file.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "crypto/base64.h"
#include "crypto/random.h"
#include "plugins/grafana/database/secret_blob.h"

namespace coffer::bench {
namespace {

using grafana::BlobCipher;
using grafana::SecretBlob;

constexpr std::string_view kSettings =
    R"({"database":"metrics","maxOpenConns":100,"maxIdleConns":100,"connMaxLifetime":14400,"sslmode":"verify-full",)"
    R"("sslRootCertFile":"/etc/ssl/certs/ca.pem","postgresVersion":1500,"timescaledb":false})";

class Database {
 public:
  explicit Database(const std::string& path) {
    COFFER_CHECK(sqlite3_open(path.c_str(), &database_) == SQLITE_OK);
    Run("PRAGMA synchronous=OFF; BEGIN;"
        "CREATE TABLE data_source (id INTEGER PRIMARY KEY, org_id INTEGER, type TEXT, uid TEXT, name TEXT, url TEXT, "
        "json_data TEXT, secure_json_data TEXT, updated DATETIME);"
        "CREATE TABLE secrets (id INTEGER PRIMARY KEY, org_id INTEGER, type TEXT, namespace TEXT, value TEXT, updated "
        "DATETIME);"
        "CREATE TABLE data_keys (name TEXT PRIMARY KEY, provider TEXT, encrypted_data BLOB, active INTEGER, label "
        "TEXT, scope TEXT, updated DATETIME)");
  }
  ~Database() {
    Run("COMMIT");
    sqlite3_close(database_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void Run(const std::string& sql) {
    COFFER_CHECK(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  void AddSource(std::uint64_t id, const std::string& password, const std::string& unified) {
    const std::string number = std::to_string(id);
    Run("INSERT INTO data_source VALUES (" + number + ", 1, 'postgres', 'u" + number + "', 'Source " + number +
        "', 'db" + number + ".example:5432', '" + std::string(kSettings) + "', '{\"password\":\"" + password +
        "\"}', '2026-01-01 00:00:00');" + "INSERT INTO secrets VALUES (" + number + ", 1, 'datasource', 'Source " +
        number + "', '" + unified + "', '2026-01-01 00:00:00')");
  }

 private:
  sqlite3* database_ = nullptr;
};

std::string Base64Of(const SecretBytes& text, const SecretBytes& passphrase, std::optional<std::string> data_key) {
  return ToBase64(SecretBlob::Encrypt(text, passphrase, BlobCipher::kAesCfb, std::move(data_key)).ToBytes());
}
std::string WithoutPadding(std::string base64) {
  base64.erase(std::min(base64.find('='), base64.size()));
  return base64;
}
SecretBytes PasswordOf(std::uint64_t id) { return GrafanaKey("a-password-of-datasource-" + std::to_string(id)); }
SecretBytes ObjectOf(std::uint64_t id) {
  return GrafanaKey("{\"password\":\"a-password-of-datasource-" + std::to_string(id) + "\"}");
}

}  // namespace

SecretBytes GrafanaKey(std::string_view text) { return SecretBytes::CopyOf(AsBytes(text)); }

void MakeEnvelopeFile(const std::string& path, std::uint64_t sources, std::uint64_t data_keys) {
  Database database(path);
  std::vector<std::pair<std::string, std::string>> values;
  for (std::uint64_t i = 0; i < data_keys; ++i) {
    const SecretBytes data_key = RandomSecret(16);
    const std::string name = "key" + std::to_string(i);
    const Bytes wrapped =
        SecretBlob::Encrypt(data_key, GrafanaKey(kFirstSecretKey), BlobCipher::kAesCfb, std::nullopt).ToBytes();
    database.Run("INSERT INTO data_keys VALUES ('" + name + "', 'secretKey.v1', x'" + ToHex(wrapped) +
                 "', 1, 'label', 'root', NULL)");
    for (const std::uint64_t copy : {0U, 1U}) {
      values.emplace_back(Base64Of(PasswordOf(2 * i + copy), data_key, name),
                          WithoutPadding(Base64Of(ObjectOf(2 * i + copy), data_key, name)));
    }
  }
  for (std::uint64_t id = 1; id <= sources; ++id) {
    const auto& [password, unified] = values[id % values.size()];
    database.AddSource(id, password, unified);
  }
}

void MakeLegacyFile(const std::string& path, std::uint64_t values) {
  Database database(path);
  const SecretBytes key = GrafanaKey(kFirstSecretKey);
  for (std::uint64_t id = 1; id <= values / 2; ++id) {
    database.AddSource(id, Base64Of(PasswordOf(id), key, std::nullopt),
                       WithoutPadding(Base64Of(ObjectOf(id), key, std::nullopt)));
  }
}

}  // namespace coffer::bench
