// FieldService's messages as the service's plain structs, without copying values.
#pragma once

#include "coffer/v1/field.pb.h"
#include "keysvc/service/field_service.h"

namespace coffer::keysvc {

using ColumnMessages = google::protobuf::RepeatedPtrField<v1::Column>;
using QueryMessages = google::protobuf::RepeatedPtrField<v1::IndexQuery>;
using ColumnResultMessages = google::protobuf::RepeatedPtrField<v1::ColumnResult>;

// Views into `messages`, which must outlive the result. kInvalidArgument, with a path from "columns[i]" on, for what a
// message can say but a row id or a context cannot: a UUID of another size than 16 bytes, rows of different widths, too
// many parts.
Result<std::vector<FieldColumn>> ColumnsOf(const ColumnMessages& messages);

// Views into `messages`. kInvalidArgument: too many, or a search that says nothing or too much.
Result<std::vector<IndexQuery>> QueriesOf(const QueryMessages& messages);

// A row id's parts. Views into `message`, which must outlive the result. kInvalidArgument: too many parts, or a UUID of
// another size than 16 bytes.
Result<std::vector<ScalarView>> RowPartsOf(const v1::RowId& message);

// Moves the values and tokens.
void FillColumns(FieldOutput& output, ColumnResultMessages& messages);
void FillAnswers(IndexAnswers& answers, v1::IndexTokensResponse& message);

}  // namespace coffer::keysvc
