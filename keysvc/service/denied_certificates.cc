#include "keysvc/service/denied_certificates.h"

namespace coffer::keysvc {
namespace {

Error NotDenied() { return Error(ErrorCode::kNotFound, "this certificate is not denied").At("sha256"); }

// Again is fine: what is there stays.
Status Insert(AuthenticatedStore& store, const DeniedCertificateRecord& record) {
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::optional<Row> before,
                          mutation.Get(Table::kDeniedCertificate, {CopyOf(record.sha256)}));
  if (before) return {};
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> others, mutation.Scan({.table = Table::kDeniedCertificate}));
  if (others.size() >= kMaxDeniedCertificates) {
    return Error(ErrorCode::kResourceExhausted,
                 "as many certificates are denied as may be: allow again those that have expired")
        .WithLimit(kMaxDeniedCertificates);
  }
  std::size_t own = 0;
  for (const Row& row : others) {
    COFFER_ASSIGN_OR_RETURN(const DeniedCertificateRecord other, DeniedCertificateFromRow(row));
    own += other.denied_by == record.denied_by ? 1 : 0;
  }
  if (own >= kMaxDeniedByOne) {
    return Error(ErrorCode::kResourceExhausted, "you have denied as many certificates as one administrator may")
        .WithLimit(kMaxDeniedByOne);
  }
  COFFER_TRY(mutation.Insert(Table::kDeniedCertificate, ToRow(record)));
  return mutation.Commit();
}

Status Erase(AuthenticatedStore& store, const Digest& sha256) {
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store.Begin());
  const Status erased = mutation.Erase(Table::kDeniedCertificate, {CopyOf(sha256)});
  if (!erased.ok() && erased.error().code() == ErrorCode::kNotFound) return NotDenied();
  COFFER_TRY(erased);
  return mutation.Commit();
}

}  // namespace

Result<std::unique_ptr<DeniedCertificates>> DeniedCertificates::Load(AuthenticatedStore& store, const Clock& clock) {
  std::unique_ptr<DeniedCertificates> denied(new DeniedCertificates(store, clock));
  COFFER_TRY(denied->Read());
  return denied;
}

Status DeniedCertificates::Read() {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store_.Scan({.table = Table::kDeniedCertificate}));
  DeniedDigests read;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(DeniedCertificateRecord record, DeniedCertificateFromRow(row));
    const Digest sha256 = record.sha256;
    read.emplace(sha256, std::move(record));
  }
  auto shared = std::make_shared<const DeniedDigests>(std::move(read));
  const Lock lock(mutex_);
  view_ = std::move(shared);
  generation_.fetch_add(1, std::memory_order_acq_rel);
  return {};
}

Status DeniedCertificates::Deny(const Digest& sha256, const std::string& by, const std::string& reason) {
  const Lock changing(change_mutex_);
  const Status stored =
      Insert(store_, {.sha256 = sha256, .denied_us = clock_.UnixMicros(), .denied_by = by, .reason = reason});
  // Whatever became of it: this commit, or an earlier one, of which nobody knows may have happened.
  const Status read = Read();
  COFFER_TRY(stored);
  return read;
}

Status DeniedCertificates::Allow(const Digest& sha256) {
  const Lock changing(change_mutex_);
  const Status erased = Erase(store_, sha256);
  const Status read = Read();  // as in Deny
  COFFER_TRY(erased);
  return read;
}

Result<DeniedCertificateRecord> DeniedCertificates::Find(const Digest& sha256) const {
  const std::shared_ptr<const DeniedDigests> denied = view();
  const auto found = denied->find(sha256);
  if (found == denied->end()) return NotDenied();
  return found->second;
}

std::shared_ptr<const DeniedDigests> DeniedCertificates::view() const {
  const ReadLock lock(mutex_);
  return view_;
}

}  // namespace coffer::keysvc
