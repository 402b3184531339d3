#include "keysvc/rpc/audit_messages.h"

#include "keysvc/rpc/field_messages.h"

namespace coffer::keysvc {
namespace {

std::string TextOf(ByteView bytes) { return std::string(AsText(bytes)); }

bool IsType(v1::AuditRecordType type) {
  return type > v1::AUDIT_RECORD_TYPE_UNSPECIFIED && v1::AuditRecordType_IsValid(type);
}

Result<Bytes> EncodedRowOf(const v1::RowId& message) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<ScalarView> parts, RowPartsOf(message));
  Bytes row;
  COFFER_TRY(EncodeRow(parts, row));
  return row;
}

}  // namespace

Result<audit::RecordFilter> FilterOf(const v1::RecordFilter& message) {
  audit::RecordFilter filter;
  if (message.has_from_us()) filter.from_us = message.from_us();
  if (message.has_to_us()) filter.to_us = message.to_us();
  filter.from = message.from_index();
  if (message.has_to_index()) filter.to = message.to_index();
  if (message.type() != v1::AUDIT_RECORD_TYPE_UNSPECIFIED) {
    if (!IsType(message.type())) return Error(ErrorCode::kInvalidArgument, "is not a type").At("filter.type");
    filter.type = static_cast<audit::RecordType>(message.type());
  }
  filter.role = message.role();
  filter.principal = message.principal();
  filter.operation = message.operation();
  filter.object = message.object();
  filter.tenant = message.tenant();
  filter.outcome = message.outcome();
  filter.request_id = message.request_id();
  if (message.key_id() != 0) filter.key = message.key_id();
  if (message.has_row()) {
    Result<Bytes> row = EncodedRowOf(message.row());
    if (!row.ok()) return std::move(row).error().At("filter.row");
    filter.row = std::move(row).value();
  }
  filter.refused = message.refused();
  filter.failed = message.failed();
  return filter;
}

Result<std::vector<audit::GroupBy>> DimensionsOf(const google::protobuf::RepeatedField<int>& messages) {
  std::vector<audit::GroupBy> by;
  if (messages.size() > 2) {
    return Error(ErrorCode::kInvalidArgument, "must be one or two different dimensions").At("by");
  }
  for (const int message : messages) {
    switch (message) {
      case v1::RECORD_DIMENSION_PRINCIPAL:
        by.push_back(audit::GroupBy::kPrincipal);
        break;
      case v1::RECORD_DIMENSION_ROLE:
        by.push_back(audit::GroupBy::kRole);
        break;
      case v1::RECORD_DIMENSION_OPERATION:
        by.push_back(audit::GroupBy::kOperation);
        break;
      case v1::RECORD_DIMENSION_OBJECT:
        by.push_back(audit::GroupBy::kObject);
        break;
      case v1::RECORD_DIMENSION_TENANT:
        by.push_back(audit::GroupBy::kTenant);
        break;
      case v1::RECORD_DIMENSION_OUTCOME:
        by.push_back(audit::GroupBy::kOutcome);
        break;
      case v1::RECORD_DIMENSION_HOUR:
        by.push_back(audit::GroupBy::kHour);
        break;
      case v1::RECORD_DIMENSION_DAY:
        by.push_back(audit::GroupBy::kDay);
        break;
      default:
        return Error(ErrorCode::kInvalidArgument, "is not a dimension").At("by");
    }
  }
  return by;
}

void FillRecord(const audit::IndexedRecord& found, v1::AuditRecord& message) {
  const audit::Record& record = found.record;
  message.set_index(found.index);
  message.set_time_us(record.time_us);
  message.set_type(static_cast<v1::AuditRecordType>(record.type));
  message.set_authentication(std::string(audit::AuthenticationName(record.authentication)));
  message.set_role(record.role);
  message.set_operation(record.operation);
  for (const std::string_view object : audit::PartsOf(record.object)) message.add_objects(std::string(object));
  for (const std::string_view tenant : audit::PartsOf(record.tenant)) message.add_tenants(std::string(tenant));
  message.set_principal(record.personal.principal);
  message.set_peer(record.personal.peer);
  message.set_on_behalf_of(record.personal.on_behalf_of);
  message.set_reason(record.personal.reason);
  message.set_purpose(record.purpose);
  message.set_request_id(record.request_id);
  message.set_allowed(record.allowed);
  message.set_rule(record.rule);
  message.set_policy_serial(record.policy_serial);
  message.set_outcome(record.outcome);
  message.set_failure(record.failure);
  message.set_items(record.items);
  message.set_failed(record.failed);
  message.set_unmatched(record.unmatched);
  for (const auto& [reason, count] : record.reasons) {
    v1::ItemReasonCount* filled = message.add_reasons();
    filled->set_reason(std::string(audit::ItemReasonName(reason)));
    filled->set_values(count);
  }
  message.mutable_key_ids()->Add(record.keys.begin(), record.keys.end());
  message.set_more_key_ids(record.more_keys);
  for (const audit::RowTag& tag : record.row_tags) message.add_row_tags(TextOf(tag));
  if (!record.store.IsZero()) message.set_store(record.store.ToText());
  message.set_store_epoch(record.store_epoch);
  message.set_latency_us(record.latency_us);
  if (record.begin) message.set_begin_index(*record.begin);
}

void FillGroups(const audit::RecordGroups& groups, const std::vector<audit::GroupBy>& by,
                v1::AggregateRecordsResponse& message) {
  for (const audit::RecordGroup& group : groups.groups) {
    v1::RecordGroup* filled = message.add_groups();
    for (std::size_t i = 0; i < group.keys.size(); ++i) {
      v1::GroupKey* key = filled->add_keys();
      const bool is_time = by[i] == audit::GroupBy::kHour || by[i] == audit::GroupBy::kDay;
      if (is_time) {
        key->set_start_us(group.keys[i].start_us);
      } else {
        key->set_text(group.keys[i].text);
      }
    }
    filled->set_records(group.records);
    filled->set_values(group.values);
    filled->set_failed_values(group.failed_values);
    filled->set_refused(group.refused);
    filled->set_failed(group.failed);
  }
  message.set_more(groups.more);
}

void FillHead(const LogHead& head, v1::GetCheckpointResponse& message) {
  message.set_origin(head.origin);
  message.set_vkey(head.vkey);
  message.set_note(head.note.ToText());
  message.set_signed_size(head.signed_head.size);
  message.set_signed_root(TextOf(head.signed_head.root));
  message.set_durable_size(head.durable_size);
  message.set_indexed_size(head.indexed_size);
  message.set_oldest_index(head.oldest_index);
}

void FillConsistency(const ConsistencyProved& proved, v1::ProveConsistencyResponse& message) {
  message.set_from_size(proved.growth.from);
  message.set_to_size(proved.growth.to);
  for (const Digest& hash : proved.proof) message.add_hashes(TextOf(hash));
}

void FillProof(const RecordProved& proved, v1::ProveRecordResponse& message) {
  message.set_proof(proved.proof.ToText());
  message.set_record(TextOf(proved.record));
}

}  // namespace coffer::keysvc
