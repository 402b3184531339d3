#include "keysvc/service/field_matches.h"

#include <algorithm>
#include <set>

#include "keysvc/service/index_search.h"

namespace coffer::keysvc {
namespace {

using Place = RowParts::Place;

// Which values of a call are what they must be.
class Matches {
 public:
  Matches(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works, const Plaintexts& plaintexts)
      : columns_(columns), plaintexts_(plaintexts), rows_(columns, works, plaintexts) {}

  Status Compare(const IndexMatcher& matcher, std::size_t column) {
    if (matcher.rule().kind == IndexKind::kCompound) return CompareRows(matcher, column);
    for (std::size_t item = 0; item < columns_[column].values.size(); ++item) {
      const std::optional<ByteView> plaintext = plaintexts_(column, item);
      if (plaintext && !matcher.Matches(*plaintext)) wrong_.insert({column, item});
    }
    return {};
  }

  const std::set<Place>& wrong() const { return wrong_; }

 private:
  Status CompareRows(const IndexMatcher& matcher, std::size_t column) {
    std::set<Place> right;
    std::set<std::size_t> part_columns{column};
    for (std::size_t item = 0; item < columns_[column].values.size(); ++item) {
      COFFER_ASSIGN_OR_RETURN(const RowParts::Places places, rows_.Find(matcher.rule(), column, item));
      const bool matches = matcher.MatchesParts(rows_.ValuesAt(places).parts);
      if (matches) right.insert({column, item});
      for (const std::optional<Place>& place : places) {
        if (!place) continue;
        part_columns.insert(place->column);
        if (matches) right.insert(*place);
      }
    }
    for (const std::size_t part : part_columns) {
      for (std::size_t item = 0; item < columns_[part].values.size(); ++item) {
        if (!right.contains({part, item})) wrong_.insert({part, item});
      }
    }
    return {};
  }

  const std::vector<FieldColumn>& columns_;
  const Plaintexts& plaintexts_;
  RowParts rows_;
  std::set<Place> wrong_;
};

}  // namespace

Status ApplyMatches(const std::vector<FieldColumn>& columns, const std::vector<ColumnWork>& works,
                    FieldOutput& output) {
  const Plaintexts decrypted = [&](std::size_t column, std::size_t item) -> std::optional<ByteView> {
    if (output.columns[column].Failed(item)) return std::nullopt;
    return AsBytes(output.columns[column].values[item]);
  };
  // All are compared before any is taken out: a part of one column's index may be in another.
  Matches matches(columns, works, decrypted);
  for (std::size_t column = 0; column < works.size(); ++column) {
    if (columns[column].match.what == SearchTerm::What::kNothing) continue;
    const std::string path = "columns[" + std::to_string(column) + "].match";
    Result<IndexMatcher> matcher = IndexMatcher::Create(works[column].rule(), columns[column].match);
    if (!matcher.ok()) return std::move(matcher).error().At(path);
    Status compared = matches.Compare(*matcher, column);
    if (!compared.ok()) return std::move(compared).error().At(path);
  }
  for (const Place& place : matches.wrong()) {
    if (!output.columns[place.column].Failed(place.item)) {
      output.columns[place.column].Fail(place.item, ItemFailure::kNoMatch);
    }
  }
  return {};
}

}  // namespace coffer::keysvc
