// FakeVault: the key service's vault in memory, over a unix socket, with failures on demand.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "coffer/v1/secret.grpc.pb.h"
#include "crypto/result.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {

// What the vault was asked, and on whose behalf.
struct VaultCall {
  std::string operation;  // "GetSecret"
  std::string path;
  std::string tenant;
  std::string purpose;
  std::string on_behalf_of;
  std::string request_id;
};

// Thread-safe.
class FakeVault final : public v1::SecretService::Service {
 public:
  FakeVault();
  ~FakeVault() override;

  // For ClientOptions.
  std::string address() const { return "unix:" + (folder_ / "app.sock"); }

  // Adds a version.
  void Set(const std::string& path, const std::string& value, const std::map<std::string, std::string>& metadata = {});
  // The path's newest live value; nothing when there is none.
  std::optional<std::string> At(const std::string& path) const;
  std::map<std::string, std::string> MetadataAt(const std::string& path) const;
  std::vector<std::string> Paths() const;
  // The last version of `path` is expired from now on.
  void Expire(const std::string& path);

  // The next `times` calls are refused so.
  void FailNext(int times, grpc::StatusCode status, ErrorCode code);
  // Calls wait until they are let go.
  void Hold();
  void LetGo();
  int waiting() const;

  std::vector<VaultCall> Calls() const;
  void ForgetCalls();

  grpc::Status PutSecret(grpc::ServerContext* context, const v1::PutSecretRequest* request,
                         v1::SecretVersion* response) override;
  grpc::Status GetSecret(grpc::ServerContext* context, const v1::GetSecretRequest* request,
                         v1::GetSecretResponse* response) override;
  grpc::Status GetSecretHistory(grpc::ServerContext* context, const v1::GetSecretHistoryRequest* request,
                                v1::GetSecretHistoryResponse* response) override;
  grpc::Status DeleteSecret(grpc::ServerContext* context, const v1::DeleteSecretRequest* request,
                            v1::DeleteSecretResponse* response) override;

 private:
  enum class State : std::uint8_t { kLive, kDeleted, kExpired };
  struct Version {
    std::string value;
    State state = State::kLive;
  };
  struct Secret {
    std::vector<Version> versions;
    std::map<std::string, std::string> metadata;
  };
  static grpc::Status Refuse(grpc::ServerContext& context, grpc::StatusCode status, ErrorCode code);
  // Notes the call, and holds or fails it.
  grpc::Status Enter(grpc::ServerContext& context, const std::string& operation, const std::string& path,
                     const std::string& tenant);

  TempDir folder_;
  mutable std::mutex mutex_;
  std::condition_variable let_go_;
  bool held_ = false;
  int waiting_ = 0;
  int failures_ = 0;
  grpc::StatusCode status_ = grpc::StatusCode::OK;
  ErrorCode code_ = ErrorCode::kInternal;
  std::map<std::string, Secret> secrets_;
  std::vector<VaultCall> calls_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace coffer::grafana
