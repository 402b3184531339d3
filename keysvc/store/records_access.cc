// Records of who may do what: policies, approvals, grants, tokens, denied certificates.
#include "keysvc/store/internal/row_reader.h"

namespace coffer::keysvc {

Row ToRow(const AccessPolicyRecord& record) {
  return {record.serial,     record.policy,    record.signatures, std::int64_t{record.recovered ? 1 : 0},
          record.applied_us, record.applied_by};
}

Row ToRow(const ApprovalRecord& record) { return {record.id, record.statement, record.asked_us}; }

Row ToRow(const ApprovalVoteRecord& record) {
  return {record.approval, record.person, record.signature, record.voted_us};
}

Result<AccessPolicyRecord> AccessPolicyFromRow(const Row& row) {
  RowReader reader(Table::kAccessPolicy, row);
  AccessPolicyRecord record;
  record.serial = reader.Int(1, kMaxInt);
  record.policy = reader.Text(1, kMaxPolicyText);
  record.signatures = reader.Text(0, kMaxSignaturesText);
  record.recovered = reader.Int(0, 1) == 1;
  reader.Require(record.recovered == record.signatures.empty());
  record.applied_us = reader.Time();
  record.applied_by = reader.Text(1, kMaxPrincipal);
  return reader.Finish(std::move(record));
}

Result<ApprovalRecord> ApprovalFromRow(const Row& row) {
  RowReader reader(Table::kApproval, row);
  ApprovalRecord record;
  record.id = reader.UuidNotZero<Uuid>();
  record.statement = reader.Text(1, kMaxStatementText);
  record.asked_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<ApprovalVoteRecord> ApprovalVoteFromRow(const Row& row) {
  RowReader reader(Table::kApprovalVote, row);
  ApprovalVoteRecord record;
  record.approval = reader.UuidNotZero<Uuid>();
  record.person = reader.Slug();
  record.signature = reader.Text(1, kMaxSignaturesText);
  record.voted_us = reader.Time();
  return reader.Finish(std::move(record));
}

Row ToRow(const AccessGrantRecord& record) {
  return {record.name, record.policy_serial, record.text, record.issued_us, record.issued_by, record.reason};
}

Row ToRow(const BreakGlassRecord& record) {
  return {record.id,
          record.statement,
          record.signature,
          record.activated_us,
          OptionalDatum(record.ended_us),
          OptionalDatum(record.reviewed_us),
          record.reviewed_by,
          record.review};
}

Row ToRow(const AccessTokenRecord& record) {
  return {record.id,         CopyOf(record.digest), record.principal,  record.listener,
          record.created_us, record.not_after_us,   record.created_by, record.reason};
}

Row ToRow(const DeniedCertificateRecord& record) {
  return {CopyOf(record.sha256), record.denied_us, record.denied_by, record.reason};
}

Result<AccessGrantRecord> AccessGrantFromRow(const Row& row) {
  RowReader reader(Table::kAccessGrant, row);
  AccessGrantRecord record;
  record.name = reader.Slug();
  record.policy_serial = reader.Int(1, kMaxInt);
  record.text = reader.Text(1, kMaxStatementText);
  record.issued_us = reader.Time();
  record.issued_by = reader.Text(1, kMaxPrincipal);
  record.reason = reader.Text(1, kMaxReason);
  return reader.Finish(std::move(record));
}

Result<BreakGlassRecord> BreakGlassFromRow(const Row& row) {
  RowReader reader(Table::kBreakGlass, row);
  BreakGlassRecord record;
  record.id = reader.UuidNotZero<Uuid>();
  record.statement = reader.Text(1, kMaxStatementText);
  record.signature = reader.Text(1, kMaxSignaturesText);
  record.activated_us = reader.Time();
  record.ended_us = reader.OptionalTime();
  record.reviewed_us = reader.OptionalTime();
  record.reviewed_by = reader.Text(0, kMaxPrincipal);
  record.review = reader.Text(0, kMaxReason);
  reader.Require(record.reviewed_us.has_value() != record.reviewed_by.empty());
  reader.Require(record.reviewed_us.has_value() != record.review.empty());
  return reader.Finish(std::move(record));
}

Result<AccessTokenRecord> AccessTokenFromRow(const Row& row) {
  RowReader reader(Table::kAccessToken, row);
  AccessTokenRecord record;
  record.id = reader.UuidNotZero<Uuid>();
  record.digest = reader.Fixed<Digest>();
  record.principal = reader.Text(1, kMaxPrincipal);
  record.listener = reader.Slug();
  record.created_us = reader.Time();
  record.not_after_us = reader.Time();
  record.created_by = reader.Text(1, kMaxPrincipal);
  record.reason = reader.Text(1, kMaxReason);
  return reader.Finish(std::move(record));
}

Result<DeniedCertificateRecord> DeniedCertificateFromRow(const Row& row) {
  RowReader reader(Table::kDeniedCertificate, row);
  DeniedCertificateRecord record;
  record.sha256 = reader.Fixed<Digest>();
  record.denied_us = reader.Time();
  record.denied_by = reader.Text(1, kMaxPrincipal);
  record.reason = reader.Text(1, kMaxReason);
  return reader.Finish(std::move(record));
}

}  // namespace coffer::keysvc
