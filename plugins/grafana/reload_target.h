// ReloadTarget: a running Grafana that is told to read its provisioned datasources again.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "crypto/secret_bytes.h"

namespace coffer::grafana {

// Grafana's admin API is one; the tests have another.
class ReloadTarget {
 public:
  virtual ~ReloadTarget() = default;
  // Ok when Grafana has read the files and stored what they hold. kUnauthenticated, kPermissionDenied: it refuses the
  // login. Everything else may pass: kUnavailable (it does not answer), kFailedPrecondition (it could not read them),
  // kNotFound, kInvalidArgument (this is not its URL), and the errors of getting at the login. Ends within a second or
  // so of `cancelled`.
  virtual Status Reload(const std::atomic<bool>& cancelled) = 0;
};

// Ok for a URL (io/http_client.h) with https, or with http and this host: localhost, 127.0.0.0/8, [::1].
Status CheckGrafanaUrl(std::string_view url);

struct AdminApiOptions {
  std::string url;   // of Grafana, with its path where it has one
  std::string user;  // empty: the secret is a token
  // The password or token, read anew for each call and not kept; a final newline is no part of it.
  std::function<Result<SecretBytes>()> secret;
  std::string ca_file;                         // PEM; empty: the system's authorities
  std::chrono::milliseconds deadline{30'000};  // of one call
};

// POST /api/admin/provisioning/datasources/reload. One thread at a time.
class AdminApi final : public ReloadTarget {
 public:
  explicit AdminApi(AdminApiOptions options) : options_(std::move(options)) {}
  // That the login can be had, before it is needed: the errors of getting at it, and kInvalidArgument when it is empty.
  Status CheckLogin() const;
  Status Reload(const std::atomic<bool>& cancelled) override;

 private:
  Result<SecretBytes> ReadSecret() const;
  const AdminApiOptions options_;
};

}  // namespace coffer::grafana
