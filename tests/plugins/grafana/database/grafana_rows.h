// Rows of a Grafana database that a test plants: data keys, and values under them or under secret_key itself.
#pragma once

#include <map>
#include <string>

#include "crypto/base64.h"
#include "crypto/random.h"
#include "plugins/grafana/database/secret_blob.h"
#include "plugins/grafana/default_secret_key.h"
#include "tests/plugins/grafana/database/known_answers.h"
#include "tests/plugins/grafana/database/memory_rows.h"

namespace coffer::grafana {

class GrafanaRows {
 public:
  explicit GrafanaRows(std::string secret_key = std::string(kDefaultSecretKey), BlobCipher cipher = BlobCipher::kAesCfb)
      : secret_key_(std::move(secret_key)), cipher_(cipher) {}

  MemoryRows rows;

  // The row is added by AddDataKeys, or never.
  void MakeDataKey(const std::string& id) { data_keys_.emplace(id, RandomSecret(16)); }
  void AddDataKey(const std::string& id, const std::string& provider = "secretKey.v1", bool active = true,
                  const std::string& day = "2026-01-01", const std::string& scope = "root") {
    MakeDataKey(id);
    rows.Add("data_keys", {{"name", id},
                           {"provider", provider},
                           {"encrypted_data", Wrapped(id)},
                           {"active", active ? "1" : "0"},
                           {"label", day + "/" + scope + "@secretKey.v1"},
                           {"scope", scope}});
  }
  void AddManagerKey(const std::string& id) {
    MakeDataKey(id);
    rows.Add("secret_data_key", {{"uid", id},
                                 {"provider", "secret_key.v1"},
                                 {"encrypted_data", Wrapped(id, BlobCipher::kAesGcm)},
                                 {"active", "true"},
                                 {"label", "x"},
                                 {"namespace", "default"}});
  }

  // Under the data key, as bytes.
  std::string Envelope(const std::string& id, const std::string& text) const {
    return Text(SecretBlob::Encrypt(known_answers::Secret(text), data_keys_.at(id), cipher_, id));
  }
  std::string WithoutId(const std::string& id, const std::string& text) const {
    return Text(SecretBlob::Encrypt(known_answers::Secret(text), data_keys_.at(id), BlobCipher::kAesGcm, std::nullopt));
  }
  std::string Legacy(const std::string& text) const { return Legacy(text, secret_key_); }
  std::string Legacy(const std::string& text, const std::string& secret_key) const {
    return Text(
        SecretBlob::Encrypt(known_answers::Secret(text), known_answers::Secret(secret_key), cipher_, std::nullopt));
  }

  static std::string Base64(const std::string& bytes) { return ToBase64(AsBytes(bytes)); }
  static std::string Raw(const std::string& bytes) {
    std::string text = Base64(bytes);
    while (text.ends_with('=')) text.pop_back();
    return text;
  }
  // {"password": base64}
  static std::string Map(const std::string& key, const std::string& bytes) {
    return "{\"" + key + "\":\"" + Base64(bytes) + "\"}";
  }

  void AddDataSource(const std::string& id, const std::string& secure_json_data) {
    rows.Add("data_source", {{"id", id},
                             {"org_id", "1"},
                             {"type", "postgres"},
                             {"uid", "ds" + id},
                             {"name", "Source " + id},
                             {"url", "db:5432"},
                             {"json_data", "{}"},
                             {"password", ""},
                             {"basic_auth_password", std::nullopt},
                             {"secure_json_data", secure_json_data}});
  }

  // A datasource with a password under the data key, or under secret_key itself.
  void AddEnvelope(const std::string& id, const std::string& data_key, const std::string& text) {
    AddDataSource(id, Map("password", Envelope(data_key, text)));
  }
  void AddLegacy(const std::string& id, const std::string& text) { AddLegacy(id, text, secret_key_); }
  void AddLegacy(const std::string& id, const std::string& text, const std::string& secret_key) {
    AddDataSource(id, Map("password", Legacy(text, secret_key)));
  }

 private:
  static std::string Text(const SecretBlob& blob) { return std::string(AsText(blob.ToBytes())); }
  std::string Wrapped(const std::string& id, BlobCipher cipher = BlobCipher::kAesCfb) const {
    return Text(SecretBlob::Encrypt(data_keys_.at(id), known_answers::Secret(secret_key_), cipher, std::nullopt));
  }

  std::string secret_key_;
  BlobCipher cipher_;
  std::map<std::string, SecretBytes> data_keys_;
};

}  // namespace coffer::grafana
