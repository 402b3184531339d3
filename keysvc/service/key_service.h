// KeyService: keyrings, versions, tenants, the census and callers' own keys, through the pipeline.
#pragma once

#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

// What is to be destroyed: a version of a keyring, or a tenant. Asks a second person.
struct DestroyRequest {
  std::string name;           // the keyring's or the tenant's
  KeyVersion version;         // of a keyring
  std::string reason;         // at most 200 characters that show; empty: that of the approval
  std::int64_t delay_us = 0;  // 0: the service's own
  bool no_sources = false;    // of a version: nothing outside the vault holds ciphertexts
};

struct CensusReport {
  std::string source;
  std::int64_t as_of_us = 0;
  KeyCounts counts;  // in any order
};

// Thread-safe. Errors are KeyEngine's, and the pipeline's refusals.
class KeyService {
 public:
  explicit KeyService(const Pipeline& pipeline) : pipeline_(pipeline) {}

  Result<KeyringView> CreateKeyring(const Caller& caller, const std::string& name,
                                    KeyringPurpose purpose = KeyringPurpose::kEncrypt) const;
  Result<KeyringView> GetKeyring(const Caller& caller, const std::string& name) const;
  Result<KeyringView> RotateKeyring(const Caller& caller, const std::string& name, KeyVersion expected) const;
  Result<KeyringView> DisableVersion(const Caller& caller, const std::string& name, KeyVersion version) const;
  Result<KeyringView> EnableVersion(const Caller& caller, const std::string& name, KeyVersion version) const;
  Result<KeyringView> RotateKek(const Caller& caller, const std::string& name) const;
  Result<KeyringView> SetRotation(const Caller& caller, const std::string& name, std::int64_t period_us) const;
  // kFailedPrecondition also while a live index of a catalog is made under the version.
  Result<KeyringView> ScheduleDestroy(const Caller& caller, const DestroyRequest& request) const;
  Result<KeyringView> CancelDestroy(const Caller& caller, const std::string& name, KeyVersion version) const;

  Result<Tenant> CreateTenant(const Caller& caller, const std::string& name) const;
  Result<TenantView> GetTenant(const Caller& caller, const std::string& name) const;
  Result<TenantView> ShredTenant(const Caller& caller, const DestroyRequest& request) const;
  Result<TenantView> CancelShredTenant(const Caller& caller, const std::string& name) const;

  Result<CensusSourceView> RegisterCensusSource(const Caller& caller, const std::string& name,
                                                std::int64_t max_age_us) const;
  // Asks a second person: what a source holds is not counted any more.
  Result<bool> RemoveCensusSource(const Caller& caller, const std::string& name) const;
  Result<std::vector<CensusSourceView>> ListCensusSources(const Caller& caller) const;
  Result<CensusSourceView> ReportCensus(const Caller& caller, const CensusReport& report) const;
  Result<KeyringCensus> GetCensus(const Caller& caller, const std::string& keyring) const;

  // `tenant` empty: "default".
  Result<CallerKey> GenerateDataKey(const Caller& caller, const std::string& keyring, const std::string& tenant) const;
  Result<SecretBytes> UnwrapDataKey(const Caller& caller, const std::string& keyring, const std::string& tenant,
                                    ByteView wrapped) const;

  template <typename Item>
  struct Page {
    std::vector<Item> items;  // by name
    std::string next;         // the page token of the next page; empty on the last
  };
  // `page_size` 0 means 100, at most 1,000.
  Result<Page<Keyring>> ListKeyrings(const Caller& caller, std::uint32_t page_size,
                                     const std::string& page_token) const;
  Result<Page<TenantView>> ListTenants(const Caller& caller, std::uint32_t page_size,
                                       const std::string& page_token) const;

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  const Pipeline& pipeline_;
};

// The page size to use for what a caller asked: kInvalidArgument above 1,000.
Result<std::size_t> PageSize(std::uint32_t asked);

}  // namespace coffer::keysvc
