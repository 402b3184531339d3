#include "cli/search_term.h"

#include <unistd.h>

#include "cli/secret_input.h"
#include "client/wipe_message.h"
#include "crypto/base64.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kMaxTerms = std::size_t{2} << 20;  // bytes of all terms: 16 parts of 64 KiB, in base64

std::string TextOf(const SecretBytes& term) { return std::string(AsText(term.Expose(SecretAccess::kReply))); }

// Asks for one value after the other.
Outcome<std::vector<std::string>> Prompt(const PlannedIndex& index) {
  std::vector<std::string> terms;
  for (std::size_t i = 0; i < TermsOf(index); ++i) {
    std::string prompt = "Search for: ";
    if (index.kind == IndexKind::kRange) prompt = i == 0 ? "From: " : "To: ";
    if (index.kind == IndexKind::kCompound) prompt = "Part " + std::to_string(i + 1) + ": ";
    COFFER_ASSIGN_OR_RETURN(const SecretBytes term, PromptSecret(prompt));
    terms.push_back(TextOf(term));
  }
  return terms;
}

Outcome<void> Decode(PlainForm form, std::vector<std::string>& terms) {
  if (form == PlainForm::kText) return {};
  for (std::string& term : terms) {
    auto plain = FromBase64(term);
    client::WipeMessageField(term);
    if (!plain.ok()) return UsageFailure("the search term is no base64");
    term = AsText(*plain);
    Wipe(*plain);
  }
  return {};
}

}  // namespace

std::size_t TermsOf(const PlannedIndex& index) {
  if (index.kind == IndexKind::kRange) return 2;
  return index.kind == IndexKind::kCompound ? index.parts : 1;
}

Outcome<std::vector<std::string>> SplitTerms(std::string text, std::size_t count) {
  const auto without_return = [](std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return std::string(line);
  };
  std::string_view rest = text;
  if (rest.ends_with('\n')) rest = std::string_view(text).substr(0, text.size() - 1);
  std::vector<std::string> terms;
  for (; terms.size() + 1 < count; rest.remove_prefix(rest.find('\n') + 1)) {
    if (rest.find('\n') == rest.npos) break;
    terms.push_back(without_return(rest.substr(0, rest.find('\n'))));
  }
  const bool too_many = count > 1 && rest.find('\n') != rest.npos;
  terms.push_back(text.ends_with('\n') ? without_return(rest) : std::string(rest));
  const bool fits = !too_many && terms.size() == count;
  Wipe(AsMutableBytes(text));
  if (fits) return terms;
  for (std::string& term : terms) client::WipeMessageField(term);
  return UsageFailure("the search term must have " + std::to_string(count) + " lines, one a value");
}

Outcome<v1::Search> SearchFor(const PlannedIndex& index, std::vector<std::string> terms, const TermOptions& options) {
  if ((options.at_start || options.at_end) && index.kind != IndexKind::kNgram) {
    return UsageFailure("--at-start and --at-end are for n-gram indexes");
  }
  COFFER_TRY(Decode(options.form, terms));
  v1::Search search;
  search.set_index(index.name);
  switch (index.kind) {
    case IndexKind::kEquality:
      search.set_equals(std::move(terms[0]));
      break;
    case IndexKind::kPrefix:
      search.set_begins_with(std::move(terms[0]));
      break;
    case IndexKind::kNgram:
      search.mutable_contains()->set_text(std::move(terms[0]));
      search.mutable_contains()->set_at_start(options.at_start);
      search.mutable_contains()->set_at_end(options.at_end);
      break;
    case IndexKind::kRange:
      search.mutable_between()->set_low(std::move(terms[0]));
      search.mutable_between()->set_high(std::move(terms[1]));
      break;
    case IndexKind::kCompound:
      for (std::string& term : terms) search.mutable_parts()->add_values(std::move(term));
      break;
  }
  return search;
}

Outcome<v1::Search> ReadSearch(const PlannedIndex& index, const TermOptions& options) {
  if (options.file.empty() && IsTerminal(STDIN_FILENO)) {
    COFFER_ASSIGN_OR_RETURN(std::vector<std::string> typed, Prompt(index));
    return SearchFor(index, std::move(typed), options);
  }
  COFFER_ASSIGN_OR_RETURN(const SecretBytes text, ReadValue(options.file, "", kMaxTerms));
  COFFER_ASSIGN_OR_RETURN(std::vector<std::string> terms, SplitTerms(TextOf(text), TermsOf(index)));
  return SearchFor(index, std::move(terms), options);
}

}  // namespace coffer::cli
