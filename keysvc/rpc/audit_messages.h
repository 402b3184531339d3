// AuditService's messages as the service's plain structs, and back.
#pragma once

#include "coffer/v1/audit.pb.h"
#include "keysvc/service/audit_service.h"

namespace coffer::keysvc {

// kInvalidArgument, with a path from "filter" on, for what a message can say but a filter cannot: a type that is none,
// a row that is no row id.
Result<audit::RecordFilter> FilterOf(const v1::RecordFilter& message);
// kInvalidArgument: a dimension that is none.
Result<std::vector<audit::GroupBy>> DimensionsOf(const google::protobuf::RepeatedField<int>& messages);

void FillRecord(const audit::IndexedRecord& found, v1::AuditRecord& message);
void FillGroups(const audit::RecordGroups& groups, const std::vector<audit::GroupBy>& by,
                v1::AggregateRecordsResponse& message);
void FillHead(const LogHead& head, v1::GetCheckpointResponse& message);
void FillConsistency(const ConsistencyProved& proved, v1::ProveConsistencyResponse& message);
void FillProof(const RecordProved& proved, v1::ProveRecordResponse& message);

}  // namespace coffer::keysvc
