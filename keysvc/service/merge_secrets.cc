// The step of a merge that brings the vault in: secrets by UUID, with their history, their ciphertexts as they are.
#include <algorithm>
#include <unordered_map>

#include "crypto/names.h"
#include "keysvc/service/merge_work.h"

namespace coffer::keysvc {
namespace {

// Those that cannot come in, of one kind: refused together, so that somebody sees how many there are.
struct Clashes {
  std::size_t count = 0;
  std::string first;  // its path

  void Add(const std::string& path) {
    if (count++ == 0) first = path;
  }
};

class SecretMerge {
 public:
  explicit SecretMerge(MergeWork& work) : work_(work) {}

  Status MergeTenant(TenantUuid tenant) {
    COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                            work_.mutation.Scan({.table = Table::kSecret, .equals = {UuidDatum(tenant)}}));
    std::unordered_map<SecretUuid, SecretRecord> here;
    std::unordered_map<std::string, SecretUuid> paths;
    for (const Row& row : rows) {
      COFFER_ASSIGN_OR_RETURN(SecretRecord secret, SecretFromRow(row));
      paths.emplace(secret.path, secret.uuid);
      here.emplace(secret.uuid, std::move(secret));
    }
    for (const StoredRow& row : work_.source.image.RowsUnder(Table::kSecret, {UuidDatum(tenant)})) {
      COFFER_ASSIGN_OR_RETURN(const SecretRecord secret, SecretFromRow(row.columns));
      const auto known = here.find(secret.uuid);
      if (known != here.end()) {
        COFFER_TRY(MeetSecret(secret, known->second));
      } else if (work_.IsDestroyedHere(tenant)) {
        ++work_.facts.left_out;
      } else {
        COFFER_TRY(AddSecret(secret, paths));
      }
    }
    return {};
  }

  Status Finish() const {
    if (taken_.count > 0) {
      return Error(
                 ErrorCode::kAlreadyExists,
                 "is taken here by another secret, and so may others be: say --secrets-under PREFIX; the limit is how "
                 "many are taken")
          .At("secret " + taken_.first)
          .WithLimit(taken_.count);
    }
    if (forked_.count > 0) {
      return Error(ErrorCode::kFailedPrecondition,
                   "has another value here under the same version: both stores have put one since the last merge; the "
                   "limit is how many such secrets there are")
          .At("secret " + forked_.first)
          .WithLimit(forked_.count);
    }
    return {};
  }

 private:
  Result<std::string> PathHere(const std::string& path) const {
    const std::string& prefix = work_.options.secrets_under;
    if (prefix.empty()) return path;
    Result<SecretPath> under = SecretPath::Parse(prefix + "/" + path);
    if (under.ok()) return under->text();
    return Error(ErrorCode::kInvalidArgument, "would be no path under --secrets-under: too many parts, or too long")
        .At("secret " + path);
  }

  std::vector<StoredRow> VersionsThere(SecretUuid secret) const {
    return work_.source.image.RowsUnder(Table::kSecretVersion, {UuidDatum(secret)});
  }

  Status AddSecret(const SecretRecord& there, std::unordered_map<std::string, SecretUuid>& paths) {
    SecretRecord secret = there;
    COFFER_ASSIGN_OR_RETURN(secret.path, PathHere(there.path));
    if (!paths.emplace(secret.path, secret.uuid).second) {
      taken_.Add(secret.path);
      return {};
    }
    COFFER_TRY(work_.Insert(Table::kSecret, ToRow(secret)));
    ++work_.facts.secrets;
    for (StoredRow& row : VersionsThere(secret.uuid)) {
      COFFER_TRY(work_.Insert(Table::kSecretVersion, std::move(row.columns)));
      ++work_.facts.secret_versions;
    }
    return AddMetadata(secret.uuid);
  }

  Status AddMetadata(SecretUuid secret) {
    for (StoredRow& row : work_.source.image.RowsUnder(Table::kSecretMetadata, {UuidDatum(secret)})) {
      COFFER_TRY(work_.Insert(Table::kSecretMetadata, std::move(row.columns)));
    }
    return {};
  }

  // It is here already, under whatever path: versions that are new there are added.
  Status MeetSecret(const SecretRecord& there, SecretRecord here) {
    bool forked = false;
    for (StoredRow& row : VersionsThere(there.uuid)) {
      COFFER_ASSIGN_OR_RETURN(const SecretVersionRecord version, SecretVersionFromRow(row.columns));
      COFFER_ASSIGN_OR_RETURN(
          const std::optional<Row> known,
          work_.mutation.Get(Table::kSecretVersion, {UuidDatum(version.secret), version.version.value}));
      if (known) {
        COFFER_ASSIGN_OR_RETURN(SecretVersionRecord version_here, SecretVersionFromRow(*known));
        COFFER_TRY(MeetVersion(version, version_here, forked));
      } else {
        COFFER_TRY(work_.Insert(Table::kSecretVersion, std::move(row.columns)));
        ++work_.facts.secret_versions;
      }
    }
    if (forked) forked_.Add(here.path);
    if (there.current <= here.current) return {};
    here.current = there.current;
    here.updated_us = std::max(here.updated_us, there.updated_us);
    COFFER_TRY(work_.Update(Table::kSecret, ToRow(here)));
    return ReplaceMetadata(here.uuid);
  }

  // Metadata is of the newest version.
  Status ReplaceMetadata(SecretUuid secret) {
    COFFER_ASSIGN_OR_RETURN(const std::vector<Row> old,
                            work_.mutation.Scan({.table = Table::kSecretMetadata, .equals = {UuidDatum(secret)}}));
    for (const Row& row : old) COFFER_TRY(work_.Erase(Table::kSecretMetadata, {row[0], row[1]}));
    return AddMetadata(secret);
  }

  Status MeetVersion(const SecretVersionRecord& there, SecretVersionRecord& here, bool& forked) {
    const bool both = there.ciphertext && here.ciphertext;
    forked = forked || (both && *there.ciphertext != *here.ciphertext);
    if (there.state <= here.state) return {};
    here.state = there.state;
    here.changed_us = std::max(here.changed_us, there.changed_us);
    if (here.state == SecretState::kDestroyed) here.ciphertext.reset();
    ++work_.facts.ended;
    return work_.Update(Table::kSecretVersion, ToRow(here));
  }

  MergeWork& work_;
  Clashes taken_;
  Clashes forked_;
};

}  // namespace

Status MergeWork::MergeSecrets() {
  SecretMerge merge(*this);
  for (const Tenant& tenant : there.tenants) COFFER_TRY(merge.MergeTenant(tenant.uuid));
  return merge.Finish();
}

}  // namespace coffer::keysvc
