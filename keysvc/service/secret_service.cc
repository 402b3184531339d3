#include "keysvc/service/secret_service.h"

#include <algorithm>
#include <charconv>

#include "keysvc/service/authorisation.h"
#include "keysvc/service/key_service.h"
#include "keysvc/service/secret_rows.h"

namespace coffer::keysvc {
namespace {

Error NoSecret() { return Error(ErrorCode::kNotFound, "there is no secret at this path").At("path"); }
Error NoVersion() { return Error(ErrorCode::kNotFound, "the secret has no such version").At("version"); }

Status CheckMetadata(const MetadataPairs& pairs) {
  if (pairs.size() > kMaxMetadataPairs) {
    return Error(ErrorCode::kInvalidArgument, "has more pairs than allowed")
        .At("metadata")
        .WithLimit(kMaxMetadataPairs);
  }
  for (const auto& [key, value] : pairs) {
    if (key.empty() || key.size() > kMaxMetadataKey || !IsUtf8(key)) {
      return Error(ErrorCode::kInvalidArgument, "must be 1 to 128 bytes of UTF-8")
          .At("metadata.key")
          .WithLimit(kMaxMetadataKey);
    }
    if (value.size() > kMaxMetadataValue || !IsUtf8(value)) {
      return Error(ErrorCode::kInvalidArgument, "must be at most 512 bytes of UTF-8")
          .At("metadata.value")
          .WithLimit(kMaxMetadataValue);
    }
  }
  const auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (std::adjacent_find(pairs.begin(), pairs.end(), same_key) != pairs.end()) {
    return Error(ErrorCode::kInvalidArgument, "names a key twice").At("metadata");
  }
  return {};
}

Status CheckPut(const PutSecretRequest& request, std::int64_t now) {
  if (request.value.size() > kMaxSecretValue) {
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed").At("value").WithLimit(kMaxSecretValue);
  }
  if (request.expires_us != 0 && request.expires_us <= now) {
    return Error(ErrorCode::kInvalidArgument, "must be in the future").At("expires_us");
  }
  return request.metadata ? CheckMetadata(*request.metadata) : Status();
}

// The compare-and-set, and room for one more version.
Status CheckCurrent(const PutSecretRequest& request, const std::optional<SecretRecord>& secret) {
  const SecretVersion current = secret ? secret->current : SecretVersion{};
  if (request.expected_version && *request.expected_version != current) {
    return Error(ErrorCode::kConflict, "the current version is another than expected: read again, then decide")
        .At("expected_version");
  }
  if (current.value >= kMaxSecretVersions) {
    return Error(ErrorCode::kResourceExhausted, "the secret has as many versions as it may")
        .At("path")
        .WithLimit(kMaxSecretVersions);
  }
  return {};
}

SecretVersionView ViewOf(const KeyEngine& keys, const SecretVersionRecord& version) {
  SecretVersionView view;
  view.version = version.version;
  view.state = version.state;
  view.created_us = version.created_us;
  view.expires_us = version.expires_us.value_or(0);
  view.created_by = version.created_by;
  if (version.ciphertext) {
    const std::optional<FieldHeader> header = FieldHeader::Parse(*version.ciphertext);
    if (header) view.key_version = keys.VersionOfKey(header->key_id).value;
  }
  return view;
}

struct ResolvedSecret {
  TenantUuid tenant;
  std::string path;
};

// Whether it is allowed comes first, then the names' form, then what there is.
Result<ResolvedSecret> Resolve(const Unsealed& unsealed, const SecretName& name, CallRecord& record) {
  if (!record.decided) COFFER_TRY(Authorise(record, ActScope::OfTenant(name.tenant)));
  COFFER_ASSIGN_OR_RETURN(const SecretPath path, SecretPath::Parse(name.path));
  ResolvedSecret resolved;
  COFFER_ASSIGN_OR_RETURN(resolved.tenant, unsealed.keys->ResolveTenant(name.tenant));
  resolved.path = path.text();
  return resolved;
}

Status CheckVersions(const std::vector<SecretVersion>& versions) {
  if (versions.size() > kMaxVersionsACall) {
    return Error(ErrorCode::kInvalidArgument, "names more versions than allowed")
        .At("versions")
        .WithLimit(kMaxVersionsACall);
  }
  for (const SecretVersion version : versions) {
    if (version.value < 1 || version.value > kMaxSecretVersions) {
      return Error(ErrorCode::kInvalidArgument, "a version is a number from 1")
          .At("versions")
          .WithLimit(kMaxSecretVersions);
    }
  }
  return {};
}

Result<policy::ActFacts> FactsOfDestroy(const Unsealed& unsealed, const SecretName& name,
                                        const std::vector<SecretVersion>& versions) {
  COFFER_ASSIGN_OR_RETURN(const SecretPath path, SecretPath::Parse(name.path));
  COFFER_ASSIGN_OR_RETURN(const TenantUuid tenant, unsealed.keys->ResolveTenant(name.tenant));
  COFFER_ASSIGN_OR_RETURN(const std::optional<SecretRecord> secret, GetSecretRow(*unsealed.store, tenant, path.text()));
  if (!secret) return NoSecret();
  policy::ActFacts facts;
  facts.Add("tenant", name.tenant.empty() ? std::string_view(kDefaultTenant) : std::string_view(name.tenant));
  facts.Add("tenant-uuid", tenant.ToText()).Add("secret", path.text()).Add("secret-uuid", secret->uuid.ToText());
  facts.Add("current-version", static_cast<std::uint64_t>(secret->current.value));
  for (const SecretVersion version : versions) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<SecretVersionRecord> stored,
                            GetVersionOf(*unsealed.store, *secret, version));
    if (!stored) return NoVersion();
    facts.Add("version", static_cast<std::uint64_t>(version.value));
  }
  return facts;
}

// A history's page token is the version that the page begins with.
Result<SecretVersion> FirstOfPage(const std::string& page_token, SecretVersion current) {
  if (page_token.empty()) return current;
  SecretVersion first;
  const auto [end, error] = std::from_chars(page_token.data(), page_token.data() + page_token.size(), first.value);
  if (error != std::errc() || end != page_token.data() + page_token.size() || first.value < 1 || first > current) {
    return Error(ErrorCode::kInvalidArgument, "is not a page token").At("page_token");
  }
  return first;
}

}  // namespace

Result<SecretVersionView> SecretService::Put(const Caller& caller, const PutSecretRequest& request) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<SecretVersionView> {
    const std::int64_t now = clock_.UnixMicros();
    COFFER_TRY(Authorise(record, ActScope::OfTenant(request.name.tenant)));
    COFFER_TRY(CheckPut(request, now));
    COFFER_ASSIGN_OR_RETURN(const ResolvedSecret target, Resolve(unsealed, request.name, record));
    record.items = 1;
    COFFER_TRY(SpendValues(record, 1));
    // The key comes before the transaction, since it may itself commit a data key; a request that cannot win makes
    // none.
    COFFER_ASSIGN_OR_RETURN(const std::optional<SecretRecord> before,
                            GetSecretRow(*unsealed.store, target.tenant, target.path));
    COFFER_TRY(CheckCurrent(request, before));
    COFFER_ASSIGN_OR_RETURN(const CipherPointer cipher, unsealed.keys->CipherForEncrypt(SecretField(target.tenant)));
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, unsealed.store->Begin());
    COFFER_ASSIGN_OR_RETURN(std::optional<SecretRecord> secret, GetSecretRow(mutation, target.tenant, target.path));
    COFFER_TRY(CheckCurrent(request, secret));
    const bool fresh = !secret.has_value();
    if (fresh) {
      secret = SecretRecord{.tenant = target.tenant,
                            .path = target.path,
                            .uuid = SecretUuid::Generate(static_cast<std::uint64_t>(now / 1000)),
                            .current = {},
                            .created_us = now,
                            .updated_us = now};
    }
    ++secret->current.value;
    secret->updated_us = now;
    SecretVersionRecord version{.secret = secret->uuid,
                                .version = secret->current,
                                .state = SecretState::kLive,
                                .ciphertext = std::nullopt,
                                .created_us = now,
                                .expires_us = std::nullopt,
                                .changed_us = now,
                                .created_by = record.principal};
    if (request.expires_us != 0) version.expires_us = request.expires_us;
    COFFER_ASSIGN_OR_RETURN(version.ciphertext, EncryptSecret(*cipher, secret->uuid, version.version, request.value));
    COFFER_TRY(fresh ? mutation.Insert(Table::kSecret, ToRow(*secret))
                     : mutation.Update(Table::kSecret, ToRow(*secret)));
    COFFER_TRY(mutation.Insert(Table::kSecretVersion, ToRow(version)));
    if (request.metadata) COFFER_TRY(ReplaceMetadata(mutation, secret->uuid, *request.metadata));
    COFFER_TRY(mutation.Commit());
    return ViewOf(*unsealed.keys, version);
  };
  return pipeline_.Mutate(caller, policy::Operation::kPutSecret, act,
                          Subject::OfSecret(request.name.tenant, request.name.path));
}

Result<SecretValue> SecretService::Get(const Caller& caller, const SecretName& name, SecretVersion version) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<SecretValue> {
    COFFER_ASSIGN_OR_RETURN(const ResolvedSecret target, Resolve(unsealed, name, record));
    record.items = 1;
    COFFER_TRY(SpendValues(record, 1));
    const Fingerprint had[] = {record.spent->FingerprintOf(target.path, target.tenant, {})};
    COFFER_TRY(SpendRows(record, had));
    if (version.value < 0 || version.value > kMaxSecretVersions) return NoVersion();
    COFFER_ASSIGN_OR_RETURN(const std::optional<SecretRecord> secret,
                            GetSecretRow(*unsealed.store, target.tenant, target.path));
    if (!secret) return NoSecret();
    const SecretVersion wanted = version == SecretVersion{} ? secret->current : version;
    COFFER_ASSIGN_OR_RETURN(const std::optional<SecretVersionRecord> stored,
                            GetVersionOf(*unsealed.store, *secret, wanted));
    if (!stored) return NoVersion();
    if (stored->state == SecretState::kDeleted) {
      return Error(ErrorCode::kFailedPrecondition, "this version is deleted: undelete brings it back").At("version");
    }
    if (stored->state == SecretState::kDestroyed)
      return Error(ErrorCode::kFailedPrecondition, "this version is destroyed").At("version");
    if (stored->expires_us && *stored->expires_us <= clock_.UnixMicros()) {
      return Error(ErrorCode::kFailedPrecondition, "this version has expired").At("version");
    }
    COFFER_CHECK(stored->ciphertext.has_value());
    SecretValue value;
    COFFER_ASSIGN_OR_RETURN(value.value,
                            DecryptSecret(*unsealed.keys, target.tenant, secret->uuid, wanted, *stored->ciphertext));
    value.version = ViewOf(*unsealed.keys, *stored);
    COFFER_ASSIGN_OR_RETURN(value.metadata, GetMetadata(*unsealed.store, secret->uuid));
    return value;
  };
  return pipeline_.Read(caller, policy::Operation::kGetSecret, act, Subject::OfSecret(name.tenant, name.path));
}

Result<SecretPage> SecretService::List(const Caller& caller, const std::string& tenant, const std::string& prefix,
                                       std::uint32_t page_size, const std::string& page_token) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<SecretPage> {
    COFFER_TRY(Authorise(record, ActScope::OfTenant(tenant)));
    COFFER_ASSIGN_OR_RETURN(const std::size_t size, PageSize(page_size));
    if (prefix.size() > kMaxSecretPath)
      return Error(ErrorCode::kInvalidArgument, "is longer than allowed").At("prefix").WithLimit(kMaxSecretPath);
    if (!page_token.empty() && !SecretPath::Parse(page_token).ok()) {
      return Error(ErrorCode::kInvalidArgument, "is not a page token").At("page_token");
    }
    COFFER_ASSIGN_OR_RETURN(const TenantUuid owner, unsealed.keys->ResolveTenant(tenant));
    SecretPage page;
    COFFER_ASSIGN_OR_RETURN(page.secrets, ListSecretRows(*unsealed.store, owner, prefix, page_token, size + 1));
    if (page.secrets.size() > size) {
      page.secrets.pop_back();
      page.next = page.secrets.back().path;
    }
    record.items = page.secrets.size();
    return page;
  };
  return pipeline_.Read(caller, policy::Operation::kListSecrets, act, Subject::OfSecret(tenant, {}));
}

Result<SecretHistory> SecretService::History(const Caller& caller, const SecretName& name, std::uint32_t page_size,
                                             const std::string& page_token) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<SecretHistory> {
    COFFER_TRY(Authorise(record, ActScope::OfTenant(name.tenant)));
    COFFER_ASSIGN_OR_RETURN(const std::size_t size, PageSize(page_size));
    COFFER_ASSIGN_OR_RETURN(const ResolvedSecret target, Resolve(unsealed, name, record));
    COFFER_ASSIGN_OR_RETURN(const std::optional<SecretRecord> secret,
                            GetSecretRow(*unsealed.store, target.tenant, target.path));
    if (!secret) return NoSecret();
    COFFER_ASSIGN_OR_RETURN(SecretVersion number, FirstOfPage(page_token, secret->current));
    SecretHistory history;
    // One row at a time: each carries a ciphertext of up to 1 MiB, whose MAC is checked.
    for (; number.value > 0 && history.versions.size() < size; --number.value) {
      COFFER_ASSIGN_OR_RETURN(const std::optional<SecretVersionRecord> version,
                              GetVersionOf(*unsealed.store, *secret, number));
      if (version) history.versions.push_back(ViewOf(*unsealed.keys, *version));
    }
    if (number.value > 0) history.next = std::to_string(number.value);
    COFFER_ASSIGN_OR_RETURN(history.metadata, GetMetadata(*unsealed.store, secret->uuid));
    record.items = history.versions.size();
    return history;
  };
  return pipeline_.Read(caller, policy::Operation::kSecretHistory, act, Subject::OfSecret(name.tenant, name.path));
}

Result<std::uint32_t> SecretService::Delete(const Caller& caller, const SecretName& name,
                                            const std::vector<SecretVersion>& versions) const {
  return pipeline_.Mutate(
      caller, policy::Operation::kDeleteSecret,
      [&](Unsealed& unsealed, CallRecord& record) {
        return ChangeState(unsealed, record, name, versions, SecretState::kLive, SecretState::kDeleted);
      },
      Subject::OfSecret(name.tenant, name.path));
}

Result<std::uint32_t> SecretService::Undelete(const Caller& caller, const SecretName& name,
                                              const std::vector<SecretVersion>& versions) const {
  return pipeline_.Mutate(
      caller, policy::Operation::kUndeleteSecret,
      [&](Unsealed& unsealed, CallRecord& record) {
        return ChangeState(unsealed, record, name, versions, SecretState::kDeleted, SecretState::kLive);
      },
      Subject::OfSecret(name.tenant, name.path));
}

Result<std::uint32_t> SecretService::Destroy(const Caller& caller, const SecretName& name,
                                             const std::vector<SecretVersion>& versions) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::uint32_t> {
    if (versions.empty())
      return Error(ErrorCode::kInvalidArgument, "names no version: say which to destroy").At("versions");
    COFFER_TRY(CheckVersions(versions));
    COFFER_TRY(AuthoriseApproved(unsealed, record, record.operation, ActScope::OfTenant(name.tenant),
                                 [&] { return FactsOfDestroy(unsealed, name, versions); }));
    return ChangeState(unsealed, record, name, versions, SecretState::kLive, SecretState::kDestroyed);
  };
  return pipeline_.Mutate(caller, policy::Operation::kDestroySecret, act, Subject::OfSecret(name.tenant, name.path));
}

// Moves versions from one state to another; kDestroyed is reached from either of the two others and ends the
// ciphertext.
Result<std::uint32_t> SecretService::ChangeState(Unsealed& unsealed, CallRecord& record, const SecretName& name,
                                                 const std::vector<SecretVersion>& versions, SecretState from,
                                                 SecretState to) const {
  COFFER_TRY(CheckVersions(versions));
  COFFER_ASSIGN_OR_RETURN(const ResolvedSecret target, Resolve(unsealed, name, record));
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, unsealed.store->Begin());
  COFFER_ASSIGN_OR_RETURN(const std::optional<SecretRecord> secret, GetSecretRow(mutation, target.tenant, target.path));
  if (!secret) return NoSecret();
  const std::vector<SecretVersion> wanted = versions.empty() ? std::vector<SecretVersion>{secret->current} : versions;
  record.items = wanted.size();
  std::uint32_t changed = 0;
  for (const SecretVersion number : wanted) {
    COFFER_ASSIGN_OR_RETURN(std::optional<SecretVersionRecord> version, GetVersionOf(mutation, *secret, number));
    if (!version) return NoVersion();
    if (version->state == to) continue;
    if (version->state == SecretState::kDestroyed) {
      return Error(ErrorCode::kFailedPrecondition, "this version is destroyed").At("versions");
    }
    if (version->state != from && to != SecretState::kDestroyed) continue;
    version->state = to;
    version->changed_us = clock_.UnixMicros();
    if (to == SecretState::kDestroyed) version->ciphertext.reset();
    COFFER_TRY(mutation.Update(Table::kSecretVersion, ToRow(*version)));
    ++changed;
  }
  if (changed == 0) return changed;
  COFFER_TRY(mutation.Commit());
  // The destruction is committed and cannot be taken back: a caller who was told "failed" would be misled.
  if (to == SecretState::kDestroyed && !unsealed.store->PurgeErased().ok()) {
    record.failed = changed;
    record.failure = "destroyed, but the old bytes are still in the store's files: the next commit tries again";
  }
  return changed;
}

}  // namespace coffer::keysvc
