#include "audit/journal_files.h"

#include <algorithm>

namespace coffer::audit {
namespace {

constexpr std::string_view kEnding = ".journal";
constexpr std::size_t kDigits = 20;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Error Damage(Literal what, const std::string& name) { return Error(ErrorCode::kIntegrity, what).At(name); }

}  // namespace

std::string JournalFileName(std::uint64_t first_index) {
  const std::string digits = std::to_string(first_index);
  return std::string(kDigits - digits.size(), '0') + digits + std::string(kEnding);
}

Result<std::vector<std::string>> JournalFileNames(const LogFolder& folder) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> all, folder.List());
  std::vector<std::string> names;
  for (const std::string& name : all) {
    if (!std::string_view(name).ends_with(kEnding)) continue;
    const bool digits = std::all_of(name.begin(), name.end() - kEnding.size(), IsDigit);
    if (name.size() != kDigits + kEnding.size() || !digits) {
      return Damage("is not the name of a journal file", name);
    }
    names.push_back(name);
  }
  return names;  // List sorts, and names of digits in equal number sort as the numbers do.
}

Status FileSequence::Follow(const std::string& name, const FileHeader& header, const Digest& header_digest) {
  if (header.origin != origin_) return Damage("is a journal file of another log", name);
  if (name != JournalFileName(header.first_index())) return Damage("is not the name that this file was given", name);
  if (header.number != number_) return Damage("does not follow: a journal file is missing before it", name);
  const bool first = number_ == 0;
  if (header.previous_header != previous_header_ || (first && header.previous_end != Digest{})) {
    return Damage("does not follow the journal file before it", name);
  }
  if (first ? header.first_index() != 0 : header.first_index() <= first_index_) {
    return Damage("does not follow the journal file before it", name);
  }
  ++number_;
  first_index_ = header.first_index();
  previous_header_ = header_digest;
  return {};
}

Status FileSequence::Follow(const std::string& name, const FileHeader& header, const Digest& header_digest,
                            const Frontier& tree, const Digest& end) {
  COFFER_TRY(Follow(name, header, header_digest));
  if (!(header.before == tree) || header.previous_end != end) {
    return Damage("does not continue what the journal file before it holds", name);
  }
  return {};
}

}  // namespace coffer::audit
