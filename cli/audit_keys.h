// Keys of logs and witnesses as the audit commands take them: text, or a file that holds it.
#pragma once

#include <string>
#include <vector>

#include "audit/checkpoint.h"
#include "cli/outcome.h"

namespace coffer::cli {

// A vkey ("NAME+ID+BASE64"), or a file of one line with it. `option` names it in failures, which are usage.
Outcome<NoteVerifier> ReadVkey(std::string_view option, const std::string& text_or_file);
// The same, of that type.
Outcome<NoteVerifier> ReadVkey(std::string_view option, const std::string& text_or_file, NoteKeyType type);

struct TrustOptions {
  std::string vkey;
  std::vector<std::string> witness_keys;
  std::uint32_t quorum = 0;
};
// The log of that key, and the witnesses of whom a quorum is asked for: all of them unless told.
Outcome<audit::LogTrust> TrustFrom(const NoteVerifier& log_key, const TrustOptions& options);

// "witness.example/w1 at 2026-11-21T10:00:00Z, ...".
std::string CosignedText(const std::vector<audit::Cosigned>& cosigned);

}  // namespace coffer::cli
