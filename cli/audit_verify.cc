// coffer audit verify, verify-proof, vkey: the audit log proved from its files alone, without the service.
#include <algorithm>
#include <unistd.h>

#include "audit/record.h"
#include "audit/signing_key.h"
#include "audit/tlog_proof.h"
#include "audit/verifier_index.h"
#include "cli/audit_keys.h"
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/progress.h"
#include "cli/times.h"
#include "crypto/base64.h"
#include "crypto/text_form.h"
#include "io/clock.h"
#include "io/directory.h"
#include "io/file.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr char kDefaultFolder[] = "/var/lib/coffer/audit";
constexpr char kIndexFile[] = "/index.sqlite";
constexpr char kKeysFolder[] = "/keys";
constexpr double kMicrosPerSecond = 1e6;
constexpr std::int64_t kMicrosPerWholeSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
constexpr std::uint32_t kMaxQuorum = 64;
constexpr char kDefaultMaxAge[] = "10m";

struct VerifyArguments {
  std::string folder = kDefaultFolder;
  std::string key_file;
  std::string since;
  std::string keep;
  std::string max_age;
  bool index = false;
  TrustOptions trust;
};

struct ProofArguments {
  std::string proof;
  std::string record;
  TrustOptions trust;
};

std::string KeyFileOf(const VerifyArguments& arguments) {
  if (!arguments.key_file.empty()) return arguments.key_file;
  std::string folder = arguments.folder;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder + ".key";
}

// The key that is given, else that of the host's own file, which proves less.
Outcome<NoteVerifier> LogKey(const VerifyArguments& arguments) {
  if (!arguments.trust.vkey.empty()) return ReadVkey("--vkey", arguments.trust.vkey, NoteKeyType::kSignature);
  const Result<NoteSigner> signer = audit::ReadSigningKey(KeyFileOf(arguments));
  if (signer.ok()) return signer->verifier();
  return Failure(kExitUsage, "the log's key is not known: " + signer.error().ToString(),
                 "name it with --vkey; `coffer audit vkey` prints it on the service's host");
}

// What a file says that holds a checkpoint of this log. Who signed it is not looked at.
Outcome<audit::Checkpoint> CheckpointIn(std::string_view option, const std::string& path, const NoteVerifier& key) {
  const Result<Bytes> file = ReadFile(path, kMaxNoteSize);
  if (!file.ok()) return FileFailure(option, path, file.error());
  const Result<SignedNote> note = SignedNote::Parse(AsText(*file));
  Result<audit::Checkpoint> checkpoint = note.ok() ? audit::Checkpoint::Parse(note->text) : note.error();
  const std::string named = std::string(option) + ": " + ShownPath(path);
  if (!checkpoint.ok()) return Failure(kExitUsage, named + ": is no checkpoint", "--keep writes one");
  if (checkpoint->origin == key.name()) return std::move(checkpoint).value();
  return UsageFailure(named + ": is a checkpoint of the log " + checkpoint->origin + ", and this one is " + key.name());
}

// What was kept is evidence: only a later checkpoint of the same log takes its place.
Outcome<void> CheckMayKeep(const VerifyArguments& arguments, const NoteVerifier& key) {
  const Result<bool> there = Exists(arguments.keep);
  if (arguments.keep.empty() || !there.ok() || !*there) return {};
  COFFER_ASSIGN_OR_RETURN(const audit::Checkpoint kept, CheckpointIn("--keep", arguments.keep, key));
  const std::string path = arguments.folder + "/checkpoint";
  COFFER_ASSIGN_OR_RETURN(const audit::Checkpoint ours, CheckpointIn("--dir", path, key));
  if (kept.head.size <= ours.head.size) return {};
  return Failure(kExitUsage,
                 "--keep: " + ShownPath(arguments.keep) + ": is of " + std::to_string(kept.head.size) +
                     " records, and this log has " + std::to_string(ours.head.size),
                 "compare the log with it (--since), and keep this one elsewhere");
}

Outcome<std::int64_t> MaxAge(const VerifyArguments& arguments) {
  const Result<std::int64_t> max_age = ParseDuration(arguments.max_age.empty() ? kDefaultMaxAge : arguments.max_age);
  if (!max_age.ok()) return UsageFailure("--max-age: is no duration: write 30s, 10m, 2h or 1d");
  if (!arguments.max_age.empty() && arguments.trust.witness_keys.empty()) {
    return UsageFailure("--max-age: is the age of cosignatures: name a witness with --witness-key");
  }
  return *max_age;
}

Outcome<audit::VerifyOptions> OptionsFrom(const VerifyArguments& arguments, std::int64_t now_us) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t max_age, MaxAge(arguments));
  COFFER_ASSIGN_OR_RETURN(NoteVerifier key, LogKey(arguments));
  COFFER_ASSIGN_OR_RETURN(audit::LogTrust trust, TrustFrom(key, arguments.trust));
  if (!arguments.since.empty()) COFFER_TRY(CheckpointIn("--since", arguments.since, key));
  COFFER_TRY(CheckMayKeep(arguments, key));
  const std::string last_signed = KeyFileOf(arguments) + ".signed";
  const Result<bool> there = Exists(last_signed);
  const bool named = !arguments.key_file.empty() || (there.ok() && *there);
  if (!arguments.key_file.empty() && there.ok() && !*there) {
    return UsageFailure("--key-file: there is no last signed checkpoint beside it, " + ShownPath(last_signed));
  }
  return audit::VerifyOptions{.folder = arguments.folder,
                              .log_key = std::move(key),
                              .last_signed = named ? last_signed : "",
                              .kept = arguments.since,
                              .witnesses = std::move(trust.witnesses),
                              .quorum = trust.quorum,
                              .max_cosignature_age_us = max_age,
                              .now_us = now_us};
}

Json HeadJson(const std::optional<audit::TreeHead>& head) {
  if (!head) return nullptr;
  return {{"size", head->size}, {"root", ToBase64(head->root)}};
}

std::string_view ResultOf(const audit::VerifyReport& report, audit::Check check) {
  if (report.count(check) > 0) return "failed";
  return report.skipped(check).empty() ? "ok" : "skipped";
}

Json ChecksJson(const audit::VerifyReport& report) {
  Json checks = Json::array();
  for (std::size_t i = 0; i < audit::kChecks; ++i) {
    const auto check = static_cast<audit::Check>(i);
    Json entry = {{"name", audit::CheckName(check)},
                  {"result", ResultOf(report, check)},
                  {"findings", report.count(check)},
                  {"sentence", audit::CheckSentence(check)}};
    if (!report.skipped(check).empty()) entry["skipped_because"] = report.skipped(check);
    if (!report.remark(check).empty()) entry["remark"] = report.remark(check);
    checks.push_back(std::move(entry));
  }
  return checks;
}

Json FindingsJson(const audit::VerifyReport& report) {
  Json findings = Json::array();
  for (const audit::Finding& finding : report.findings()) {
    findings.push_back({{"check", audit::CheckName(finding.check)},
                        {"place", finding.place},
                        {"record", finding.record ? Json(*finding.record) : Json(nullptr)},
                        {"sentence", finding.sentence}});
  }
  return findings;
}

Json CosignedJson(const std::vector<audit::Cosigned>& cosigned) {
  Json all = Json::array();
  for (const audit::Cosigned& one : cosigned) all.push_back({{"witness", one.witness}, {"time_s", one.time_unix_s}});
  return all;
}

Json UnwitnessedJson(const audit::VerifyReport& report) {
  const std::optional<std::uint64_t> unwitnessed = report.unwitnessed();
  return unwitnessed ? Json(*unwitnessed) : Json(nullptr);
}

// How old the cosignatures are; null without any.
Json CosignedAgeJson(const audit::VerifyReport& report, std::int64_t now_us) {
  if (!report.cosigned_head) return nullptr;
  return std::max<std::int64_t>(now_us - report.cosigned_us, 0) / kMicrosPerWholeSecond;
}

// How old the youngest dropped record was at least when it went; null without any.
Json DroppedAgeJson(const audit::VerifyReport& report) {
  return report.dropped_age_us ? Json(*report.dropped_age_us / kMicrosPerWholeSecond) : Json(nullptr);
}

Json ReportJson(const audit::VerifyReport& report, const NoteVerifier& key, double seconds, std::int64_t now_us) {
  return {{"untouched", report.untouched()},
          {"origin", key.name()},
          {"vkey", key.ToText()},
          {"records", report.head.size},
          {"oldest_record", report.dropped},
          {"dropped_age_s", DroppedAgeJson(report)},
          {"root", ToBase64(report.head.root)},
          {"checkpoint", HeadJson(report.checkpoint)},
          {"last_signed", HeadJson(report.last_signed)},
          {"kept_checkpoint", HeadJson(report.kept)},
          {"cosigned_checkpoint", HeadJson(report.cosigned_head)},
          {"cosigned", CosignedJson(report.cosigned)},
          {"cosigned_age_s", CosignedAgeJson(report, now_us)},
          {"unwitnessed_records", UnwitnessedJson(report)},
          {"from", FormatTime(report.first_time_us, true)},
          {"to", FormatTime(report.last_time_us, true)},
          {"journal_files", report.journal_files},
          {"frames", report.frames},
          {"record_bytes", report.record_bytes},
          {"tile_files", report.tile_files},
          {"begins_without_result", report.open_begins},
          {"checks", ChecksJson(report)},
          {"findings", FindingsJson(report)},
          {"seconds", seconds},
          {"records_per_second", seconds > 0 ? static_cast<double>(report.head.size) / seconds : 0}};
}

// What a log that verifies does not show.
std::string LimitOf(const audit::VerifyReport& report) {
  if (report.cosigned_head) {
    const std::uint64_t unwitnessed = report.unwitnessed().value_or(0);
    if (unwitnessed == 0) return "";
    return "no witness has seen the last " + std::to_string(unwitnessed) + (unwitnessed == 1 ? " record" : " records") +
           ": whoever has the log's key could have written them anew\n";
  }
  if (report.kept)
    return "no witness: whoever has the log's key could have written anew what came after that checkpoint\n";
  return "no witness and no kept checkpoint: whoever has the log's key could have written all of it anew\n";
}

// "9 records behind it, 12s old": what a witness that was switched off shows.
std::string CosignedFacts(const audit::VerifyReport& report, std::int64_t now_us) {
  return std::to_string(report.cosigned_head->size) + " records by " + CosignedText(report.cosigned) + "; " +
         std::to_string(report.unwitnessed().value_or(0)) + " records behind it, " +
         FormatDuration(std::max<std::int64_t>(now_us - report.cosigned_us, 0)) + " old";
}

// "records below 1200 were dropped by retention, when they were 400d old or older".
std::string RetentionFacts(const audit::VerifyReport& report) {
  std::string facts = "records below " + std::to_string(report.dropped) + " were dropped by retention";
  if (!report.dropped_age_us) return facts;
  const std::int64_t age_us = std::max<std::int64_t>(*report.dropped_age_us, 0);
  const std::int64_t rounded_us = age_us < kMicrosPerDay ? age_us : age_us - age_us % kMicrosPerDay;
  return facts + ", when they were " + FormatDuration(rounded_us) + " old or older";
}

std::string ReportText(const audit::VerifyReport& report, const NoteVerifier& key, std::int64_t now_us, bool colors) {
  std::vector<std::pair<std::string, std::string>> lines = {
      {"log", key.name()},
      {"records", std::to_string(report.head.size) + " in " + std::to_string(report.journal_files) + " files, " +
                      FormatTime(report.first_time_us) + " to " + FormatTime(report.last_time_us)},
      {"root", ToBase64(report.head.root)}};
  if (report.dropped > 0) lines.emplace_back("retention", RetentionFacts(report));
  if (report.checkpoint) lines.emplace_back("checkpoint", std::to_string(report.checkpoint->size) + " records");
  if (report.cosigned_head) lines.emplace_back("cosigned", CosignedFacts(report, now_us));
  if (report.open_begins > 0) lines.emplace_back("begins without result", std::to_string(report.open_begins));
  Table table({"CHECK", "RESULT", "WHAT"});
  for (std::size_t i = 0; i < audit::kChecks; ++i) {
    const auto check = static_cast<audit::Check>(i);
    const std::string_view result = ResultOf(report, check);
    std::string what(result == "skipped" ? report.skipped(check) : audit::CheckSentence(check));
    if (!report.remark(check).empty()) what.append(", ").append(report.remark(check));
    table.Add({std::string(audit::CheckName(check)), std::string(result), std::move(what)});
  }
  std::string text = AlignedLines(lines) + "\n" + table.ToText() + "\n";
  for (const audit::Finding& finding : report.findings()) {
    text += Colored(audit::CheckName(finding.check), Color::kRed, colors) + ": ";
    if (!finding.place.empty()) text += ShownPath(finding.place) + ": ";
    if (finding.record) text += "record " + std::to_string(*finding.record) + ": ";
    text += finding.sentence + "\n";
  }
  if (!report.untouched()) return text + Colored("NOT untouched", Color::kRed, colors) + "\n";
  return text + Colored("untouched", Color::kGreen, colors) + "\n" + LimitOf(report);
}

// The checkpoint that was just verified, for the next --since.
Outcome<void> Keep(const VerifyArguments& arguments, const audit::VerifyReport& report) {
  if (arguments.keep.empty() || !report.untouched() || !report.checkpoint) return {};
  const std::string from = arguments.folder + "/checkpoint";
  const Result<Bytes> note = ReadFile(from, kMaxNoteSize);
  if (!note.ok()) return FileFailure("--dir", from, note.error());
  const Status kept = WriteFileDurably(arguments.keep, *note, 0644);
  if (!kept.ok()) return FileFailure("--keep", arguments.keep, kept.error());
  return {};
}

Outcome<int> Verify(Session& session, const VerifyArguments& arguments) {
  const SystemClock clock;
  const std::int64_t now_us = clock.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(audit::VerifyOptions options, OptionsFrom(arguments, now_us));
  const std::int64_t start = clock.MonotonicMicros();
  std::optional<Progress> bar;
  options.progress = [&bar, shown = !session.json() && IsTerminal(STDERR_FILENO)](std::uint64_t done,
                                                                                  std::uint64_t total) {
    if (!bar) bar.emplace(total, shown);
    bar->Show(std::min(done, total));
  };
  std::optional<audit::IndexComparison> index;
  if (arguments.index) {
    options.follower =
        &index.emplace(arguments.folder + kIndexFile, options.log_key.name(), arguments.folder + kKeysFolder);
  }
  const audit::VerifyReport report = audit::VerifyLog(options);
  bar.reset();
  const double seconds = static_cast<double>(clock.MonotonicMicros() - start) / kMicrosPerSecond;
  if (session.json()) {
    COFFER_TRY(PrintJson(ReportJson(report, options.log_key, seconds, now_us)));
  } else {
    COFFER_TRY(Print(ReportText(report, options.log_key, now_us, session.Colors(STDOUT_FILENO))));
  }
  COFFER_TRY(Keep(arguments, report));
  if (report.untouched() && arguments.index && !report.skipped(audit::Check::kIndex).empty()) {
    return Failure(kExitFailed, "--index: was not compared: " + std::string(report.skipped(audit::Check::kIndex)),
                   "stop the service, or verify a copy with its index");
  }
  return report.untouched() ? kExitOk : kExitFailed;
}

Outcome<int> VerifyProof(Session& session, const ProofArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const NoteVerifier key, ReadVkey("--vkey", arguments.trust.vkey, NoteKeyType::kSignature));
  COFFER_ASSIGN_OR_RETURN(const audit::LogTrust trust, TrustFrom(key, arguments.trust));
  const Result<Bytes> text = ReadFile(arguments.proof, audit::kMaxTlogProofSize);
  if (!text.ok()) return FileFailure("--proof", arguments.proof, text.error());
  const Result<Bytes> record = ReadFile(arguments.record, audit::kMaxRecordBytes);
  if (!record.ok()) return FileFailure("--record", arguments.record, record.error());
  const Result<audit::TlogProof> proof = audit::TlogProof::Parse(AsText(*text));
  if (!proof.ok()) return FileFailure("--proof", arguments.proof, proof.error());
  const auto opened = audit::VerifyTlogProof(*proof, audit::LeafHash(*record), trust);
  if (!opened.ok()) return Failure(kExitFailed, "not proved: " + opened.error().ToString());
  const audit::Checkpoint& checkpoint = opened->checkpoint;
  if (session.json()) {
    COFFER_TRY(PrintJson({{"proved", true},
                          {"origin", checkpoint.origin},
                          {"record", proof->index},
                          {"checkpoint", HeadJson(checkpoint.head)},
                          {"cosigned", CosignedJson(opened->cosigned)}}));
    return kExitOk;
  }
  std::string said = "record " + std::to_string(proof->index) + " is in " + checkpoint.origin + ", which had " +
                     std::to_string(checkpoint.head.size) + " records\n";
  if (!opened->cosigned.empty()) said += "cosigned by " + CosignedText(opened->cosigned) + "\n";
  COFFER_TRY(Print(said));
  return kExitOk;
}

Outcome<int> PrintVkey(Session& session, const std::string& key_file) {
  const Result<NoteSigner> signer = audit::ReadSigningKey(key_file);
  if (!signer.ok()) return FileFailure("--key-file", key_file, signer.error());
  const std::string vkey = signer->verifier().ToText();
  COFFER_TRY(session.json() ? PrintJson({{"origin", signer->verifier().name()}, {"vkey", vkey}}) : Print(vkey + "\n"));
  return kExitOk;
}

void AddTrustOptions(CLI::App& command, TrustOptions& trust) {
  command
      .add_option("--witness-key", trust.witness_keys, "The key of a witness that must have cosigned; again for more")
      ->type_name("VKEY")
      ->allow_extra_args(false);
  command.add_option("--quorum", trust.quorum, "How many of them are enough; all unless told")
      ->type_name("N")
      ->check(NumberBetween(1, kMaxQuorum));
}

void AddVerify(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App& verify = tree.AddCommand(
      group, "verify",
      "Compute the whole log anew from its files, and say what was touched; exit 0 only when nothing was",
      "  coffer audit verify --dir /var/lib/coffer/audit\n"
      "  coffer audit verify --dir copy --vkey log.vkey --since last-week.checkpoint --keep today.checkpoint\n"
      "  coffer audit verify --vkey log.vkey --witness-key w1.vkey --witness-key w2.vkey --quorum 1 -o json\n"
      "A copy made beside a running service takes twice what its checkpoint speaks of:\n"
      "  cp -a audit copy; cp -a audit/tile audit/journal copy/",
      [arguments](Session& session) { return Verify(session, *arguments); });
  verify.add_option("--dir", arguments->folder, std::string("The log's folder (") + kDefaultFolder + ")")
      ->type_name("DIR");
  verify
      .add_option("--vkey", arguments->trust.vkey,
                  "The log's key, as text or in a file, kept elsewhere than on its host")
      ->type_name("VKEY");
  verify
      .add_option("--key-file", arguments->key_file,
                  "The service's signing key (DIR.key); what it signed last is beside it")
      ->type_name("FILE");
  verify.add_option("--since", arguments->since, "A checkpoint that was kept: the log must continue it")
      ->type_name("FILE");
  verify.add_option("--keep", arguments->keep, "Keep the checkpoint for the next --since, when nothing was touched")
      ->type_name("FILE");
  verify
      .add_option("--max-age", arguments->max_age,
                  std::string("How much younger than the cosignatures records may be that no witness has seen (") +
                      kDefaultMaxAge + ")")
      ->type_name("DURATION");
  verify.add_flag("--index", arguments->index, "Compare the table of queries as well; the service must be stopped");
  AddTrustOptions(verify, arguments->trust);
}

void AddVerifyProof(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<ProofArguments>();
  CLI::App& verify = tree.AddCommand(
      group, "verify-proof", "Verify that a record is in the log, with nothing but the proof and the log's key",
      "  coffer audit verify-proof --proof record-17.tlog-proof --record record-17.cbor --vkey log.vkey",
      [arguments](Session& session) { return VerifyProof(session, *arguments); });
  verify.add_option("--proof", arguments->proof, "The proof (c2sp.org/tlog-proof@v1)")->type_name("FILE")->required();
  verify.add_option("--record", arguments->record, "The record's bytes")->type_name("FILE")->required();
  verify.add_option("--vkey", arguments->trust.vkey, "The log's key, as text or in a file")
      ->type_name("VKEY")
      ->required();
  AddTrustOptions(verify, arguments->trust);
}

}  // namespace

void AddAuditVerifyCommands(CommandTree& tree, CLI::App& group) {
  AddVerify(tree, group);
  AddVerifyProof(tree, group);
  auto key_file = std::make_shared<std::string>(std::string(kDefaultFolder) + ".key");
  CLI::App& vkey = tree.AddCommand(group, "vkey", "Print the log's public key, for auditors and witnesses",
                                   "  coffer audit vkey --key-file /var/lib/coffer/audit.key > log.vkey",
                                   [key_file](Session& session) { return PrintVkey(session, *key_file); });
  vkey.add_option("--key-file", *key_file, "The service's signing key (" + *key_file + ")")->type_name("FILE");
}

}  // namespace coffer::cli
