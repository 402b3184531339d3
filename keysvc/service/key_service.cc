#include "keysvc/service/key_service.h"

#include "crypto/names.h"
#include "keysvc/service/named_mutation.h"

namespace coffer::keysvc {
namespace {

constexpr std::uint32_t kDefaultPage = 100;
constexpr std::uint32_t kMaxPage = 1'000;

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

// Of an act with one key of the caller's own, of this keyring and tenant.
Result<TenantUuid> AuthoriseCallerKey(Unsealed& unsealed, CallRecord& record, const std::string& keyring,
                                      const std::string& tenant) {
  ActScope scope = ActScope::OfTenant(tenant);
  scope.keyring = keyring;
  COFFER_TRY(Authorise(record, scope));
  COFFER_ASSIGN_OR_RETURN(const TenantUuid uuid, unsealed.keys->ResolveTenant(tenant));
  record.items = 1;
  COFFER_TRY(SpendValues(record, 1));
  return uuid;
}

}  // namespace

Result<std::size_t> PageSize(std::uint32_t asked) {
  if (asked > kMaxPage)
    return Error(ErrorCode::kInvalidArgument, "is more than allowed").At("page_size").WithLimit(kMaxPage);
  return std::size_t{asked == 0 ? kDefaultPage : asked};
}

Result<KeyringView> KeyService::CreateKeyring(const Caller& caller, const std::string& name,
                                              KeyringPurpose purpose) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kCreateKeyring, name,
                     [&](KeyEngine& keys) { return keys.CreateKeyring(name, purpose); });
}

Result<KeyringView> KeyService::GetKeyring(const Caller& caller, const std::string& name) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<KeyringView> {
    COFFER_TRY(Authorise(record, {.keyring = name}));
    return unsealed.keys->GetKeyring(name);
  };
  return pipeline_.Read(caller, policy::Operation::kGetKeyring, act, Subject::Named(name));
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
  return MutateNamed(pipeline_, caller, policy::Operation::kRotateKeyring, name,
                     [&](KeyEngine& keys) { return keys.RotateKeyring(name, expected); });
}

Result<KeyringView> KeyService::DisableVersion(const Caller& caller, const std::string& name,
                                               KeyVersion version) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kDisableVersion, name,
                     [&](KeyEngine& keys) { return keys.DisableVersion(name, version); });
}

Result<KeyringView> KeyService::EnableVersion(const Caller& caller, const std::string& name, KeyVersion version) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kEnableVersion, name,
                     [&](KeyEngine& keys) { return keys.EnableVersion(name, version); });
}

Result<Tenant> KeyService::CreateTenant(const Caller& caller, const std::string& name) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kCreateTenant, name,
                     [&](KeyEngine& keys) { return keys.CreateTenant(name); });
}

Result<KeyService::Page<TenantView>> KeyService::ListTenants(const Caller& caller, std::uint32_t page_size,
                                                             const std::string& page_token) const {
  return pipeline_.Read(caller, policy::Operation::kListTenants, [&](Unsealed& unsealed, CallRecord& record) {
    return ReadPage<TenantView>(page_size, page_token, record, [&](std::string_view after, std::size_t limit) {
      return unsealed.keys->ListTenants(after, limit);
    });
  });
}

Result<KeyringView> KeyService::RotateKek(const Caller& caller, const std::string& name) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<KeyringView> {
    COFFER_TRY(Authorise(record, {.keyring = name}));
    COFFER_ASSIGN_OR_RETURN(KeyringView view, unsealed.keys->RotateKek(name));
    // The old KEK wraps nothing any more: a caller who was told "failed" would be misled.
    if (unsealed.keys->erasing_left()) {
      record.failed = 1;
      record.failure = "rotated, but the old KEK is still in the store's files: it is tried again";
    }
    return view;
  };
  return pipeline_.Mutate(caller, policy::Operation::kRotateKek, act, Subject::Named(name));
}

Result<KeyringView> KeyService::SetRotation(const Caller& caller, const std::string& name,
                                            std::int64_t period_us) const {
  return MutateNamed(pipeline_, caller, policy::Operation::kSetRotation, name,
                     [&](KeyEngine& keys) { return keys.SetRotation(name, period_us); });
}

Result<TenantView> KeyService::GetTenant(const Caller& caller, const std::string& name) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<TenantView> {
    COFFER_TRY(Authorise(record, {.tenant = name}));
    return unsealed.keys->GetTenant(name);
  };
  return pipeline_.Read(caller, policy::Operation::kGetTenant, act, Subject::Named(name));
}

Result<CallerKey> KeyService::GenerateDataKey(const Caller& caller, const std::string& keyring,
                                              const std::string& tenant) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<CallerKey> {
    COFFER_ASSIGN_OR_RETURN(const TenantUuid uuid, AuthoriseCallerKey(unsealed, record, keyring, tenant));
    return unsealed.keys->GenerateCallerKey(keyring, uuid);
  };
  return pipeline_.Read(caller, policy::Operation::kGenerateDataKey, act, Subject::OfKey(tenant, keyring));
}

Result<SecretBytes> KeyService::UnwrapDataKey(const Caller& caller, const std::string& keyring,
                                              const std::string& tenant, ByteView wrapped) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<SecretBytes> {
    COFFER_ASSIGN_OR_RETURN(const TenantUuid uuid, AuthoriseCallerKey(unsealed, record, keyring, tenant));
    return unsealed.keys->UnwrapCallerKey(keyring, uuid, wrapped);
  };
  return pipeline_.Read(caller, policy::Operation::kUnwrapDataKey, act, Subject::OfKey(tenant, keyring));
}

}  // namespace coffer::keysvc
