#include "audit/verifier_report.h"

namespace coffer::audit {
namespace {

struct CheckText {
  std::string_view name;
  std::string_view sentence;
};

constexpr std::array<CheckText, kChecks> kTexts = {{
    {"reading", "everything that is needed can be read"},
    {"journal-files", "the journal's files are all there, under their names and of their sizes"},
    {"journal-headers", "every journal file begins with a header of this log"},
    {"journal-chain", "every journal file continues the one before it"},
    {"journal-frames", "every frame is whole and continues the one before it"},
    {"journal-tail", "nothing but zeros follows the last frame"},
    {"journal-roots", "every frame's root is that of the records up to it"},
    {"records", "every record is an audit record, byte for byte as it would be written"},
    {"record-times", "time never goes back, and is not ahead of ours"},
    {"record-pairs", "every result belongs to one begin before it"},
    {"store-epochs", "no store became older"},
    {"checkpoint-signature", "the checkpoint is signed by this log's key"},
    {"checkpoint-root", "the records give the root that the checkpoint signs"},
    {"checkpoint-size", "the journal holds all records that the checkpoint counts"},
    {"checkpoint-cosignatures", "as many witnesses as asked for cosigned a checkpoint, and not long ago"},
    {"last-signed", "the log continues what its key signed last"},
    {"kept-checkpoint", "the log continues the checkpoint that was kept"},
    {"tiles", "every tile of hashes is that of the records"},
    {"entry-bundles", "every tile of records is that of the records"},
    {"tiles-missing", "no tile of the checkpoint is missing"},
    {"foreign-files", "nothing is in the folder that is not the log's"},
    {"retention", "what is missing at the beginning was dropped by the log's retention, which it signed and recorded"},
    {"index", "the index says what the journal says"},
}};

const CheckText& TextOf(Check check) { return kTexts[static_cast<std::size_t>(check)]; }

}  // namespace

std::string_view CheckName(Check check) { return TextOf(check).name; }
std::string_view CheckSentence(Check check) { return TextOf(check).sentence; }

void VerifyReport::Find(Check check, std::string place, std::string_view sentence,
                        std::optional<std::uint64_t> record) {
  State& state = states_[static_cast<std::size_t>(check)];
  if (++state.count > kListed) return;
  findings_.push_back({check, std::move(place), record, std::string(sentence)});
}

void VerifyReport::Skip(Check check, std::string_view why) { states_[static_cast<std::size_t>(check)].skipped = why; }

void VerifyReport::Remark(Check check, std::string_view why) { states_[static_cast<std::size_t>(check)].remark = why; }

}  // namespace coffer::audit
