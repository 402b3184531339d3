#include "keysvc/service/key_service.h"

#include "crypto/names.h"

namespace coffer::keysvc {
namespace {

constexpr std::uint32_t kDefaultPage = 100;
constexpr std::uint32_t kMaxPage = 1'000;

// A name from a caller goes into the record only in the form that names have.
void NameObject(CallRecord& record, const std::string& name) {
  if (IsSlug(name)) record.object = name;
}

// `list` gives up to so many items whose names follow a name.
template <typename Item, typename List>
Result<KeyService::Page<Item>> ReadPage(std::uint32_t page_size, const std::string& page_token, CallRecord& record,
                                        List list) {
  COFFER_ASSIGN_OR_RETURN(const std::size_t size, PageSize(page_size));
  if (!page_token.empty() && !IsSlug(page_token))
    return Error(ErrorCode::kInvalidArgument, "is not a page token").At("page_token");
  KeyService::Page<Item> page{.items = list(page_token, size + 1), .next = {}};
  if (page.items.size() > size) {
    page.items.pop_back();
    page.next = page.items.back().name;
  }
  record.items = page.items.size();
  return page;
}

}  // namespace

Result<std::size_t> PageSize(std::uint32_t asked) {
  if (asked > kMaxPage)
    return Error(ErrorCode::kInvalidArgument, "is more than allowed").At("page_size").WithLimit(kMaxPage);
  return std::size_t{asked == 0 ? kDefaultPage : asked};
}

Result<KeyringView> KeyService::CreateKeyring(const Caller& caller, const std::string& name,
                                              KeyringPurpose purpose) const {
  return pipeline_.Mutate(caller, policy::Operation::kCreateKeyring, [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, name);
    return unsealed.keys->CreateKeyring(name, purpose);
  });
}

Result<KeyringView> KeyService::GetKeyring(const Caller& caller, const std::string& name) const {
  return pipeline_.Read(caller, policy::Operation::kGetKeyring, [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, name);
    return unsealed.keys->GetKeyring(name);
  });
}

Result<KeyService::Page<Keyring>> KeyService::ListKeyrings(const Caller& caller, std::uint32_t page_size,
                                                           const std::string& page_token) const {
  return pipeline_.Read(caller, policy::Operation::kListKeyrings, [&](Unsealed& unsealed, CallRecord& record) {
    return ReadPage<Keyring>(page_size, page_token, record, [&](std::string_view after, std::size_t limit) {
      return unsealed.keys->ListKeyrings(after, limit);
    });
  });
}

Result<KeyringView> KeyService::RotateKeyring(const Caller& caller, const std::string& name,
                                              KeyVersion expected) const {
  return pipeline_.Mutate(caller, policy::Operation::kRotateKeyring, [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, name);
    return unsealed.keys->RotateKeyring(name, expected);
  });
}

Result<KeyringView> KeyService::DisableVersion(const Caller& caller, const std::string& name,
                                               KeyVersion version) const {
  return pipeline_.Mutate(caller, policy::Operation::kDisableVersion, [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, name);
    return unsealed.keys->DisableVersion(name, version);
  });
}

Result<KeyringView> KeyService::EnableVersion(const Caller& caller, const std::string& name, KeyVersion version) const {
  return pipeline_.Mutate(caller, policy::Operation::kEnableVersion, [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, name);
    return unsealed.keys->EnableVersion(name, version);
  });
}

Result<Tenant> KeyService::CreateTenant(const Caller& caller, const std::string& name) const {
  return pipeline_.Mutate(caller, policy::Operation::kCreateTenant, [&](Unsealed& unsealed, CallRecord& record) {
    NameObject(record, name);
    return unsealed.keys->CreateTenant(name);
  });
}

Result<KeyService::Page<Tenant>> KeyService::ListTenants(const Caller& caller, std::uint32_t page_size,
                                                         const std::string& page_token) const {
  return pipeline_.Read(caller, policy::Operation::kListTenants, [&](Unsealed& unsealed, CallRecord& record) {
    return ReadPage<Tenant>(page_size, page_token, record, [&](std::string_view after, std::size_t limit) {
      return unsealed.keys->ListTenants(after, limit);
    });
  });
}

}  // namespace coffer::keysvc
