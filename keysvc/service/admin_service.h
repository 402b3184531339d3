// AdminService: the store's days (unseal, seal, status) and its catalogs, through the pipeline.
#pragma once

#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

// What the audit log's witnesses say of it.
struct AuditWitnessView {
  std::string name;
  std::uint64_t size = 0;        // records that it has cosigned, since this start
  std::int64_t cosigned_us = 0;  // 0: not since this start
  std::string trouble;           // why there is no newer cosignature
};

struct AuditView {
  bool witnessed = false;  // by one of them, of late, and none has seen another log
  std::vector<AuditWitnessView> witnesses;
};

struct StatusView {
  Barrier::Facts facts;
  KeyEngine::Counts counts;       // zeros unless unsealed
  std::size_t scopes = 0;         // likewise
  std::uint64_t store_epoch = 0;  // likewise
  std::int64_t started_us = 0;
  bool memory_locked = false;
  std::string principal;  // who the service takes the caller for
  AuditView audit;
};

// Thread-safe. Unseal and Seal are for the admin's unix socket only.
class AdminService {
 public:
  struct Options {
    std::int64_t started_us = 0;
    bool memory_locked = false;
    std::string key_file;                   // what Unseal uses when the caller names nothing; empty: none is configured
    std::function<AuditView()> audit = {};  // empty: no witness is configured
  };
  AdminService(const Pipeline& pipeline, Options options) : pipeline_(pipeline), options_(std::move(options)) {}

  // No source: the configured key file.
  Result<Barrier::Shared> Unseal(const Caller& caller, const std::optional<SealSource>& source) const;
  // One custodian's share, as text.
  Result<Barrier::Shared> UnsealByShare(const Caller& caller, const SecretBytes& share) const;
  Result<bool> Seal(const Caller& caller) const;
  Result<StatusView> ShowStatus(const Caller& caller) const;

  // What takes protection away (policy::Operation::kWeakenCatalog) others have to approve.
  Result<policy::CatalogChange> Apply(const Caller& caller, const std::string& catalog, const std::string& lock) const;
  Result<policy::CatalogChange> Diff(const Caller& caller, const std::string& catalog, const std::string& lock) const;

  struct CatalogText {
    std::string lock;                 // of the scope asked for
    std::vector<std::string> scopes;  // when none was
  };
  Result<CatalogText> ShowCatalog(const Caller& caller, const std::string& scope) const;

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  const Pipeline& pipeline_;
  const Options options_;
};

}  // namespace coffer::keysvc
