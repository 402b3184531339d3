// KeyService: keyrings, versions and tenants, through the pipeline.
#pragma once

#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

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
  Result<Tenant> CreateTenant(const Caller& caller, const std::string& name) const;

  template <typename Item>
  struct Page {
    std::vector<Item> items;  // by name
    std::string next;         // the page token of the next page; empty on the last
  };
  // `page_size` 0 means 100, at most 1,000.
  Result<Page<Keyring>> ListKeyrings(const Caller& caller, std::uint32_t page_size,
                                     const std::string& page_token) const;
  Result<Page<Tenant>> ListTenants(const Caller& caller, std::uint32_t page_size, const std::string& page_token) const;

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
