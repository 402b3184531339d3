#include "audit/journal_files.h"

#include <algorithm>
#include <charconv>

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

Result<std::vector<std::string>> JournalFileNames(const LogFolder& folder, std::uint64_t first_index) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> all, folder.List());
  const std::string first = JournalFileName(first_index);
  std::vector<std::string> names;
  for (const std::string& name : all) {
    if (!std::string_view(name).ends_with(kEnding)) continue;
    const bool digits = std::all_of(name.begin(), name.end() - kEnding.size(), IsDigit);
    if (name.size() != kDigits + kEnding.size() || !digits) {
      return Damage("is not the name of a journal file", name);
    }
    if (name >= first) names.push_back(name);
  }
  return names;  // List sorts, and names of digits in equal number sort as the numbers do.
}

Result<std::uint64_t> FirstIndexIn(const std::string& name) {
  std::uint64_t index = 0;
  const auto [stop, wrong] = std::from_chars(name.data(), name.data() + kDigits, index);
  if (wrong != std::errc() || index > kMaxTreeSize) return Damage("is not the name of a journal file", name);
  return index;
}

Status FileSequence::Begin(const std::string& name, const FileHeader& header) const {
  if (header.number == 0) {
    const bool nothing_before = header.previous_header == Digest{} && header.previous_end == Digest{};
    if (nothing_before && header.first_index() == 0) return {};
    return Damage("does not follow the journal file before it", name);
  }
  if (header.first_index() > 0 && header.first_index() <= base_.size) return {};
  return Damage("does not follow: a journal file is missing before it", name);
}

Status FileSequence::Follow(const std::string& name, const FileHeader& header, const Digest& header_digest) {
  if (header.origin != origin_) return Damage("is a journal file of another log", name);
  if (name != JournalFileName(header.first_index())) return Damage("is not the name that this file was given", name);
  if (!begun_) {
    COFFER_TRY(Begin(name, header));
  } else if (header.number != number_) {
    return Damage("does not follow: a journal file is missing before it", name);
  } else if (header.previous_header != previous_header_ || header.first_index() <= first_index_) {
    return Damage("does not follow the journal file before it", name);
  }
  if (header.first_index() == base_.size) {
    if (header.before.Root() != base_.root) {
      return Damage("does not continue the records that the log's retention dropped", name);
    }
    passed_base_ = true;
  }
  begun_ = true;
  number_ = header.number + 1;
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

Status FileSequence::Finish() const {
  if (passed_base_) return {};
  return Damage("is missing: it begins with the first record that the log's retention kept",
                JournalFileName(base_.size));
}

}  // namespace coffer::audit
