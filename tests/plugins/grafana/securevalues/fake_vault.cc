#include "tests/plugins/grafana/securevalues/fake_vault.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

std::string MetadataOf(const grpc::ServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

}  // namespace

FakeVault::FakeVault() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::experimental::LocalServerCredentials(UDS));
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

FakeVault::~FakeVault() {
  LetGo();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void FakeVault::Set(const std::string& path, const std::string& value,
                    const std::map<std::string, std::string>& metadata) {
  const std::lock_guard lock(mutex_);
  secrets_[path].versions.push_back({value});
  secrets_[path].metadata = metadata;
}

std::optional<std::string> FakeVault::At(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = secrets_.find(path);
  if (found == secrets_.end() || found->second.versions.back().state != State::kLive) return std::nullopt;
  return found->second.versions.back().value;
}

std::map<std::string, std::string> FakeVault::MetadataAt(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = secrets_.find(path);
  return found == secrets_.end() ? std::map<std::string, std::string>() : found->second.metadata;
}

std::vector<std::string> FakeVault::Paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, secret] : secrets_) paths.push_back(path);
  return paths;
}

void FakeVault::Expire(const std::string& path) {
  const std::lock_guard lock(mutex_);
  secrets_.at(path).versions.back().state = State::kExpired;
}

void FakeVault::FailNext(int times, grpc::StatusCode status, ErrorCode code) {
  const std::lock_guard lock(mutex_);
  failures_ = times;
  status_ = status;
  code_ = code;
}

void FakeVault::Hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void FakeVault::LetGo() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  let_go_.notify_all();
}

int FakeVault::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

std::vector<VaultCall> FakeVault::Calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void FakeVault::ForgetCalls() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
}

grpc::Status FakeVault::Refuse(grpc::ServerContext& context, grpc::StatusCode status, ErrorCode code) {
  context.AddTrailingMetadata("coffer-error", std::string(ErrorCodeName(code)));
  return {status, "refused by the test"};
}

grpc::Status FakeVault::Enter(grpc::ServerContext& context, const std::string& operation, const std::string& path,
                              const std::string& tenant) {
  std::unique_lock lock(mutex_);
  calls_.push_back({operation, path, tenant, MetadataOf(context, "coffer-purpose"),
                    MetadataOf(context, "coffer-on-behalf-of"), MetadataOf(context, "coffer-request-id")});
  ++waiting_;
  let_go_.wait(lock, [this] { return !held_; });
  --waiting_;
  if (failures_ == 0) return grpc::Status::OK;
  --failures_;
  return Refuse(context, status_, code_);
}

grpc::Status FakeVault::PutSecret(grpc::ServerContext* context, const v1::PutSecretRequest* request,
                                  v1::SecretVersion* response) {
  if (auto entered = Enter(*context, "PutSecret", request->path(), request->tenant()); !entered.ok()) return entered;
  const std::lock_guard lock(mutex_);
  Secret& secret = secrets_[request->path()];
  if (request->has_expected_version() && request->expected_version() != secret.versions.size()) {
    return Refuse(*context, grpc::StatusCode::ABORTED, ErrorCode::kConflict);
  }
  secret.versions.push_back({request->value()});
  if (request->set_metadata()) {
    secret.metadata.clear();
    for (const v1::Metadata& pair : request->metadata()) secret.metadata[pair.key()] = pair.value();
  }
  response->set_version(secret.versions.size());
  return grpc::Status::OK;
}

grpc::Status FakeVault::GetSecret(grpc::ServerContext* context, const v1::GetSecretRequest* request,
                                  v1::GetSecretResponse* response) {
  if (auto entered = Enter(*context, "GetSecret", request->path(), request->tenant()); !entered.ok()) return entered;
  const std::lock_guard lock(mutex_);
  const auto found = secrets_.find(request->path());
  if (found == secrets_.end()) return Refuse(*context, grpc::StatusCode::NOT_FOUND, ErrorCode::kNotFound);
  const Version& version = found->second.versions.back();
  if (version.state != State::kLive) {
    return Refuse(*context, grpc::StatusCode::FAILED_PRECONDITION, ErrorCode::kFailedPrecondition);
  }
  response->set_value(version.value);
  response->mutable_version()->set_version(found->second.versions.size());
  for (const auto& [key, value] : found->second.metadata) {
    v1::Metadata* const pair = response->add_metadata();
    pair->set_key(key);
    pair->set_value(value);
  }
  return grpc::Status::OK;
}

// Pages of two versions at most, so that more of them are more pages.
grpc::Status FakeVault::GetSecretHistory(grpc::ServerContext* context, const v1::GetSecretHistoryRequest* request,
                                         v1::GetSecretHistoryResponse* response) {
  if (auto entered = Enter(*context, "GetSecretHistory", request->path(), request->tenant()); !entered.ok()) {
    return entered;
  }
  const std::lock_guard lock(mutex_);
  const auto found = secrets_.find(request->path());
  if (found == secrets_.end()) return Refuse(*context, grpc::StatusCode::NOT_FOUND, ErrorCode::kNotFound);
  const auto& versions = found->second.versions;
  std::size_t number = request->page_token().empty() ? versions.size() : request->page_token().size();
  for (std::size_t left = std::min<std::size_t>(request->page_size(), 2); left > 0 && number > 0; --left, --number) {
    v1::SecretVersion* const version = response->add_versions();
    version->set_version(number);
    version->set_state(versions[number - 1].state == State::kDeleted ? v1::SECRET_VERSION_STATE_DELETED
                                                                     : v1::SECRET_VERSION_STATE_LIVE);
  }
  response->set_next_page_token(std::string(number, 'x'));
  for (const auto& [key, value] : found->second.metadata) {
    v1::Metadata* const pair = response->add_metadata();
    pair->set_key(key);
    pair->set_value(value);
  }
  return grpc::Status::OK;
}

grpc::Status FakeVault::DeleteSecret(grpc::ServerContext* context, const v1::DeleteSecretRequest* request,
                                     v1::DeleteSecretResponse* response) {
  if (auto entered = Enter(*context, "DeleteSecret", request->path(), request->tenant()); !entered.ok()) {
    return entered;
  }
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t version : request->versions()) {
    secrets_.at(request->path()).versions.at(version - 1).state = State::kDeleted;
    response->set_changed(response->changed() + 1);
  }
  return grpc::Status::OK;
}

}  // namespace coffer::grafana
