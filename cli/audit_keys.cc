#include "cli/audit_keys.h"

#include "cli/times.h"
#include "io/clock.h"
#include "io/file.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kMaxVkeyFile = 1'024;

std::string_view Trimmed(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Outcome<NoteVerifier> ReadVkey(std::string_view option, const std::string& text_or_file) {
  Result<NoteVerifier> key = NoteVerifier::Parse(text_or_file);
  if (key.ok()) return std::move(key).value();
  const std::string wanted = std::string(option) + ": must be a key, NAME+ID+BASE64, or a file that holds one";
  const Result<Bytes> file = ReadFile(text_or_file, kMaxVkeyFile);
  if (!file.ok()) return UsageFailure(wanted);
  key = NoteVerifier::Parse(Trimmed(AsText(*file)));
  if (!key.ok()) return UsageFailure(wanted);
  return std::move(key).value();
}

Outcome<NoteVerifier> ReadVkey(std::string_view option, const std::string& text_or_file, NoteKeyType type) {
  COFFER_ASSIGN_OR_RETURN(NoteVerifier key, ReadVkey(option, text_or_file));
  if (key.type() == type) return key;
  const std::string_view kind = type == NoteKeyType::kSignature ? "is a witness's key; a log's is asked for here"
                                                                : "is a log's key; a witness's is asked for here";
  return UsageFailure(std::string(option) + ": " + std::string(kind));
}

Outcome<audit::LogTrust> TrustFrom(const NoteVerifier& log_key, const TrustOptions& options) {
  audit::LogTrust trust = audit::LogTrust::Of(log_key);
  for (const std::string& text : options.witness_keys) {
    COFFER_ASSIGN_OR_RETURN(NoteVerifier key, ReadVkey("--witness-key", text, NoteKeyType::kCosignature));
    trust.witnesses.push_back(std::move(key));
  }
  if (options.quorum > trust.witnesses.size()) {
    return UsageFailure("--quorum: asks for more witnesses than --witness-key names");
  }
  trust.quorum = options.quorum == 0 ? trust.witnesses.size() : options.quorum;
  return trust;
}

std::string CosignedText(const std::vector<audit::Cosigned>& cosigned) {
  std::string text;
  for (const audit::Cosigned& one : cosigned) {
    text += (text.empty() ? "" : ", ") + one.witness + " at " +
            FormatTime(static_cast<std::int64_t>(one.time_unix_s) * kMicrosPerSecond);
  }
  return text;
}

}  // namespace coffer::cli
