#include "policy/index_sentences.h"

#include <array>
#include <charconv>

namespace coffer::policy {
namespace {

// Three digits are all that an estimate is worth: "15.3", "0.00153", "1.53e-09".
std::string Figure(double value) {
  std::array<char, 32> text{};
  const auto [end, failure] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 3);
  return failure == std::errc() ? std::string(text.data(), end) : "?";
}

std::string RangeText(const BitRange& range) { return std::to_string(range.min) + " to " + std::to_string(range.max); }

bool IsArray(IndexKind kind) {
  return kind == IndexKind::kPrefix || kind == IndexKind::kNgram || kind == IndexKind::kRange;
}

std::string Head(const IndexAssessment& assessment) {
  std::string text(IndexKindName(assessment.kind));
  text += ", " + std::to_string(assessment.bits) + " bits, " + std::to_string(assessment.partitions) +
          (assessment.partitions == 1 ? " partition" : " partitions");
  text += "; " + std::to_string(assessment.expect.rows) + " rows, " + std::to_string(assessment.expect.distinct) +
          " different values (" + Figure(assessment.value_bits) + " bits), the commonest in " +
          Figure(100 * static_cast<double>(assessment.expect.top_share) / static_cast<double>(kWholeShare)) + " %";
  return text;
}

std::string Cost(const IndexAssessment& assessment) {
  const std::string rows = Figure(assessment.false_rows) + " rows that were not meant";
  return IsArray(assessment.kind) ? "each token that a search asks for finds about " + rows + ", to be filtered"
                                  : "a search finds about " + rows + ", to be filtered";
}

std::string Linkage(const IndexAssessment& assessment) {
  return "two rows with the same token have the same value with a probability of about " + Figure(assessment.linkage);
}

// Which arrays have pads, and what these tell.
std::string Pads(const IndexAssessment& assessment) {
  std::string which = "one with fewer parts than its array has places";
  if (assessment.kind == IndexKind::kPrefix) {
    which = "one of fewer than " + std::to_string(assessment.longest) + " characters";
  }
  if (assessment.always_padded) which = "each";
  return which + " has pads, which are made of the whole text, and two rows with a pad in common have the same text " +
         "with a probability of about " + Figure(assessment.linkage);
}

std::string Advice(const IndexAssessment& assessment) {
  if (!assessment.advised) return "no number of bits is advised: there are too few rows or too few different values";
  std::string text = "advised: " + RangeText(*assessment.advised) + " bits";
  for (const IndexWarning warning : assessment.warnings) {
    text += warning == IndexWarning::kMoreBits ? "; with more, a token stands for one value"
                                               : "; with fewer, searches find many rows that were not meant";
  }
  return text;
}

}  // namespace

Literal SentenceOf(IndexRefusal refusal) {
  switch (refusal) {
    case IndexRefusal::kSecret:
      return "is refused: it indexes a field of class secret; accept_leak = \"reason\" would accept that";
    case IndexRefusal::kFewValues:
      return "is refused, since it gives values away: there are fewer than 256 different ones; index them together "
             "with another field (compound), or accept it with accept_leak = \"reason\"";
    case IndexRefusal::kCommonValue:
      return "is refused, since it gives values away: one has more than a sixteenth of the rows; index them together "
             "with another field (compound), or accept it with accept_leak = \"reason\"";
    case IndexRefusal::kShortPrefix:
      return "is refused, since it gives beginnings away: the shortest has fewer than 3 characters; begin with 3, or "
             "accept it with accept_leak = \"reason\"";
  }
  return "is refused";
}

std::string_view CauseOf(IndexRefusal refusal) {
  switch (refusal) {
    case IndexRefusal::kSecret:
      return "it indexes a field of class secret";
    case IndexRefusal::kFewValues:
      return "there are fewer than 256 different values, so their frequencies tell which is which";
    case IndexRefusal::kCommonValue:
      return "one value has more than a sixteenth of the rows, so its frequency tells which it is";
    case IndexRefusal::kShortPrefix:
      return "its shortest beginning has fewer than 3 characters: there are few of those, and frequencies tell which";
  }
  return {};
}

std::string SentenceOf(IndexLeak leak, const IndexAssessment& assessment) {
  const std::string in_partition =
      assessment.partitions == 1 ? "" : ", in one of " + std::to_string(assessment.partitions) + " partitions";
  switch (leak) {
    case IndexLeak::kEqualValues:
      return "equal values have equal tokens" + in_partition + ": how often each occurs shows";
    case IndexLeak::kEqualCombinations:
      return "equal combinations have equal tokens" + in_partition + ": how often each occurs shows";
    case IndexLeak::kEqualPrefixes:
      return "rows that begin alike have tokens in common" + in_partition + ": how often each beginning occurs shows";
    case IndexLeak::kNgrams:
      return "rows that have letters in common have tokens in common" + in_partition +
             ": from a language's frequencies texts can be rebuilt; this kind leaks most";
    case IndexLeak::kEqualTexts:
      return "equal texts have equal arrays" + in_partition + ": " + Pads(assessment);
    case IndexLeak::kOrder:
      return "for each two rows" + in_partition +
             " it shows how long a prefix of the number they share, which is nearly their order and distance";
    case IndexLeak::kEqualCiphertexts:
      return "equal values have equal ciphertexts: how often each occurs shows exactly";
    case IndexLeak::kAcrossTenants:
      return "the same between tenants: it shows that two of them have the same value";
    case IndexLeak::kAcrossColumns:
      return "the same between all columns of its domain that are indexed alike";
    case IndexLeak::kExistence:
      return "a unique constraint tells whoever may insert whether a value is there";
  }
  return {};
}

std::vector<std::string> SentencesOf(const IndexAssessment& assessment) {
  std::vector<std::string> sentences;
  sentences.push_back(assessment.name.empty() ? "suite 4" + Head(assessment).substr(Head(assessment).find(';'))
                                              : Head(assessment));
  if (!assessment.name.empty()) {
    sentences.push_back(Cost(assessment));
    if (!IsArray(assessment.kind)) {
      sentences.push_back(Linkage(assessment));
      sentences.push_back(Advice(assessment));
    }
  }
  for (const IndexLeak leak : assessment.leaks) sentences.push_back("leaks: " + SentenceOf(leak, assessment));
  for (const IndexRefusal refusal : assessment.refusals) {
    sentences.push_back((assessment.accepted ? "accepted: " : "refused: ") + std::string(CauseOf(refusal)));
  }
  return sentences;
}

std::string SentenceOf(const TableAssessment& table) {
  std::string text = "all indexes together leave about " + Figure(table.coincidences) + " of " +
                     std::to_string(table.rows) + " rows with the same tokens";
  if (table.tells_rows_apart) text += ": they tell rows apart, so what is known of one column is known of the row";
  return text;
}

std::vector<std::string> LinesOf(const CatalogAssessment& assessment) {
  std::vector<std::string> lines;
  for (const IndexAssessment& index : assessment.indexes) {
    lines.push_back(index.field.ToText() + (index.name.empty() ? "" : " index " + index.name));
    for (const std::string& sentence : SentencesOf(index)) lines.push_back("  " + sentence);
  }
  for (const TableAssessment& table : assessment.tables) {
    lines.push_back("table " + table.table);
    lines.push_back("  " + SentenceOf(table));
  }
  return lines;
}

}  // namespace coffer::policy
