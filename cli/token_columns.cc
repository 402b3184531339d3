#include "cli/token_columns.h"

#include <algorithm>

#include "cli/token_predicate.h"

namespace coffer::cli {
namespace {

Failure OtherShape() { return Failure(kExitFailed, "the service's answer has another shape"); }

bool HasShape(const v1::IndexColumn& tokens, std::size_t items, bool array) {
  if (tokens.width() == 0 || (!array && tokens.width() != 1)) return false;
  const auto wanted = static_cast<std::uint64_t>(items) * tokens.width();
  const auto numbers = static_cast<std::uint64_t>(tokens.numbers_size());
  const auto bytes = static_cast<std::uint64_t>(tokens.bytes_size());
  return (numbers == wanted && bytes == 0) || (!array && bytes == wanted && numbers == 0);
}

AppendedValue ValueAt(const v1::IndexColumn& tokens, std::size_t item, bool array) {
  if (tokens.bytes_size() > 0) return ByteaText(tokens.bytes(static_cast<int>(item)));
  if (!array) return tokens.numbers(static_cast<int>(item));
  const auto first = tokens.numbers().begin() + static_cast<std::ptrdiff_t>(item * tokens.width());
  return std::vector<std::int64_t>(first, first + static_cast<std::ptrdiff_t>(tokens.width()));
}

}  // namespace

void TokenColumns::Add(std::size_t field, const MappedField& mapped, const std::string& base,
                       const PlannedIndex& index) {
  for (const std::uint32_t version : index.VersionsToWrite()) {
    const std::string version_column = index.VersionColumnOf(base);
    sources_.push_back({field, mapped.field, index.name, version, index.IsArray(), !version_column.empty()});
    at_.push_back(names_.size());
    names_.push_back(index.ColumnOf(base, version));
    if (!version_column.empty()) names_.push_back(version_column);
  }
}

Outcome<TokenColumns> TokenColumns::Of(const FieldPlan& plan) {
  TokenColumns columns;
  for (std::size_t field = 0; field < plan.fields.size(); ++field) {
    const MappedField& mapped = plan.fields[field];
    for (const PlannedIndex& index : mapped.indexes) {
      columns.Add(field, mapped, plan.columns[mapped.value] + "_" + index.name, index);
    }
  }
  if (columns.names_.empty()) return Failure(kExitFailed, "none of these fields has an index", "leave out --tokens");
  std::vector<std::string> all = plan.columns;
  all.insert(all.end(), columns.names_.begin(), columns.names_.end());
  std::sort(all.begin(), all.end());
  const auto twice = std::adjacent_find(all.begin(), all.end());
  if (twice != all.end()) return Failure(kExitFailed, "two columns of the output would be called " + *twice);
  return columns;
}

Outcome<void> TokenColumns::Take(std::size_t field, const v1::ColumnResult& result,
                                 const std::vector<std::size_t>& owners,
                                 std::vector<std::vector<AppendedValue>>& records) const {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    if (source.field != field) continue;
    if (result.indexes().empty()) {
      return Failure(kExitFailed, "the service gave no index tokens of " + source.field_name,
                     "it gives them to role app only: run this as app, or leave out --tokens");
    }
    const auto tokens = std::find_if(result.indexes().begin(), result.indexes().end(), [&source](const auto& column) {
      return column.index() == source.index && column.version() == source.version;
    });
    if (tokens == result.indexes().end()) {
      return Failure(kExitFailed, "the indexes of " + source.field_name + " have changed meanwhile", "run it again");
    }
    if (!HasShape(*tokens, owners.size(), source.array)) return OtherShape();
    std::vector<bool> null(owners.size(), false);
    for (const std::uint32_t item : tokens->nulls()) {
      if (item >= owners.size()) return OtherShape();
      null[item] = true;
    }
    for (std::size_t item = 0; item < owners.size(); ++item) {
      if (null[item]) continue;
      std::vector<AppendedValue>& record = records[owners[item]];
      record[at_[i]] = ValueAt(*tokens, item, source.array);
      if (source.has_version_column) record[at_[i] + 1] = static_cast<std::int64_t>(source.version);
    }
  }
  return {};
}

std::size_t MaxRecordsWithTokens(const FieldPlan& plan, std::size_t limit) {
  constexpr std::size_t kSlowItems = 16;
  constexpr std::size_t kAnswerBytes = std::size_t{8} << 20;
  constexpr std::size_t kTokenBytes = 36;  // 32 and what protobuf puts before them
  std::size_t bytes = 1;
  for (const MappedField& field : plan.fields) {
    for (const PlannedIndex& index : field.indexes) {
      if (index.slow) limit = std::min(limit, kSlowItems);
      bytes += index.VersionsToWrite().size() * index.count * kTokenBytes;
    }
  }
  return std::clamp<std::size_t>(kAnswerBytes / bytes, 1, limit);
}

}  // namespace coffer::cli
