// One batch of records: its values as one call, the answer back into the records.
#pragma once

#include <string>
#include <vector>

#include "cli/field_plan.h"
#include "cli/field_values.h"
#include "cli/token_columns.h"

namespace coffer::cli {

enum class FieldAct : std::uint8_t { kEncrypt, kDecrypt, kRewrap };

struct FieldForms {
  PlainForm plain = PlainForm::kText;
  CipherForm cipher = CipherForm::kText;
};

// What is done with each batch.
struct FieldWork {
  FieldAct act = FieldAct::kEncrypt;
  FieldForms forms;
  std::string tenant;
  TokenColumns tokens;                // columns that records get; kEncrypt and kRewrap
  const v1::Search* match = nullptr;  // kDecrypt: keep the records whose first field is this; it outlives the work
};

enum class ValueFault : std::uint8_t { kNoCiphertext, kKeyDisabled, kNoMatch, kDoesNotDecrypt };
std::string_view SentenceOf(ValueFault fault);

// A value that could not be decrypted.
struct FailedValue {
  std::uint64_t line = 0;
  std::string field;
  ValueFault fault = ValueFault::kDoesNotDecrypt;
};

class FieldBatch {
 public:
  // Below the service's limits of one call: items, bytes; and bytes of records kept.
  static constexpr std::size_t kMaxRecords = 1'000;
  static constexpr std::size_t kMaxItems = 4'096;
  static constexpr std::size_t kMaxCallBytes = std::size_t{2} << 20;
  static constexpr std::size_t kMaxRecordBytes = std::size_t{16} << 20;

  // All must outlive it.
  FieldBatch(const FieldPlan& plan, const RecordFormat& format, const FieldWork& work);

  // Takes the record's values into the call. Failures name the line.
  Outcome<void> Add(Record record);
  bool empty() const { return records_.empty(); }
  bool full() const;

  // Sends the call and gives the records with their new values. Values that do not decrypt become NULL and are listed
  // in `failed`. Records that do not match what was searched for are left out.
  Outcome<std::string> Run(client::Client& client, std::vector<FailedValue>& failed);

  std::uint64_t values() const { return values_; }        // sent, over all batches
  std::uint64_t rewrapped() const { return rewrapped_; }  // made anew, likewise
  std::uint64_t unmatched() const { return unmatched_; }  // records left out, likewise

 private:
  Outcome<void> AddValue(std::size_t field, const Record& record, std::size_t record_index);
  Outcome<void> AddBinding(const MappedField& field, const Record& record, v1::Column& column);
  Outcome<v1::Value> ValueFor(const TypedColumn& column, const Record& record, bool nullable) const;
  using Results = google::protobuf::RepeatedPtrField<v1::ColumnResult>;
  Outcome<Results> Send(client::Client& client);
  Outcome<void> Take(std::size_t field, v1::ColumnResult& result, std::vector<FailedValue>& failed);
  Outcome<void> TakeItem(std::size_t field, std::size_t record, const std::string& value);
  void Clear();

  const FieldPlan& plan_;
  const RecordFormat& format_;
  const FieldWork& work_;
  const std::size_t max_records_;

  std::vector<Record> records_;
  std::vector<std::vector<Replacement>> replacements_;      // one list a record
  std::vector<std::vector<AppendedValue>> appended_;        // likewise
  std::vector<bool> kept_;                                  // of each record: it is written
  google::protobuf::RepeatedPtrField<v1::Column> columns_;  // one a field of the plan
  std::vector<std::vector<std::size_t>> owners_;            // of each column's values: the record
  std::vector<FailedValue> malformed_;                      // never sent
  std::size_t items_ = 0;
  std::size_t call_bytes_ = 0;
  std::size_t record_bytes_ = 0;
  std::uint64_t values_ = 0;
  std::uint64_t rewrapped_ = 0;
  std::uint64_t unmatched_ = 0;
};

}  // namespace coffer::cli
