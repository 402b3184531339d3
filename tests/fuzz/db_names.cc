// Names of a database and of its columns, and what is guessed from them and from values: places are written back to the
// same text, words are found where they are, and no guess is two things at once. The first byte chooses.
#include <algorithm>

#include "db/encrypted_column.h"
#include "db/guess.h"
#include "db/sql_words.h"

namespace coffer::db {
namespace {

void CheckPlace(std::string_view text) {
  const auto place = ColumnPlace::Parse(text);
  if (place.ok()) COFFER_CHECK(place->ToText() == text);
  const std::string quoted = QuotedName(text);
  COFFER_CHECK(quoted.front() == '"' && quoted.back() == '"');
  COFFER_CHECK(std::count(quoted.begin(), quoted.end(), '"') % 2 == 0);
}

// Both halves of a text, parted by its first line break.
std::pair<std::string, std::string> Halves(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  return {FoldedName(text.substr(0, end)), FoldedName(text.substr(std::min(end + 1, text.size())))};
}

void CheckWords(std::string_view text) {
  const auto [word, rest] = Halves(text);
  const bool found = HasWord(rest, word);
  COFFER_CHECK(!found || (!word.empty() && rest.find(word) != rest.npos));
  COFFER_CHECK(word.empty() || HasWord("(" + word + ")", word));
  COFFER_CHECK(!HasWord("a" + word + "b", word) || word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != word.npos);
}

void CheckContent(std::optional<Content> content) {
  if (!content) return;
  COFFER_CHECK(!ContentName(*content).empty());
  COFFER_CHECK(!(IsSecretContent(*content) && IsPersonalContent(*content)));
}

void CheckNames(std::string_view text) {
  const auto [name, column] = Halves(text);
  for (const char* type : {"text", "bytea", "int8", "timestamptz", "ciphertext", "jsonb"}) {
    SchemaTable table;
    table.name.table = name;
    table.columns.emplace_back().name = column;
    table.columns[0].base_type = type;
    CheckContent(GuessByName(table, table.columns[0]));
    Schema schema;
    schema.tables.push_back(std::move(table));
    COFFER_CHECK(HistoryOf(schema, schema.tables[0]) == nullptr);  // it is no history of itself
  }
  static_cast<void>(IsNeighbour(column));
}

void CheckForms(std::string_view text) {
  FormCounter counter;
  for (int i = 0; i < 4; ++i) counter.Add(AsBytes(text));
  COFFER_CHECK(!counter.Guess());
  counter.Add(AsBytes(text));
  const std::optional<Content> guess = counter.Guess();
  CheckContent(guess);
  for (int i = 0; i < 6; ++i) counter.Add(AsBytes(std::string_view("x")));
  COFFER_CHECK(counter.seen() == 11 && !counter.Guess());
}

}  // namespace
}  // namespace coffer::db

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text = coffer::AsText(std::as_bytes(std::span(data, size).subspan(1)));
  constexpr std::array kChecks = {coffer::db::CheckPlace, coffer::db::CheckWords, coffer::db::CheckNames,
                                  coffer::db::CheckForms};
  kChecks[data[0] % kChecks.size()](text);
  return 0;
}
