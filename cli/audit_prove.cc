// coffer audit checkpoint, prove: what others need to check the audit log without believing the service.
#include "audit/tlog_proof.h"
#include "cli/audit_keys.h"
#include "cli/byte_sink.h"
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/field_values.h"
#include "cli/printing.h"
#include "crypto/base64.h"

namespace coffer::cli {
namespace {

constexpr std::string_view kRecordSuffix = ".record";

struct CheckpointOptions {
  bool note = false;
};

struct ProveOptions {
  std::uint64_t index = 0;
  std::string out;
  TrustOptions trust;
};

Outcome<int> ShowCheckpoint(Session& session, const CheckpointOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAuditorRole));
  COFFER_ASSIGN_OR_RETURN(const auto head, client->GetCheckpoint(v1::GetCheckpointRequest()));
  const std::string root = ToBase64(AsBytes(head.signed_root()));
  if (session.json()) {
    COFFER_TRY(PrintJson({{"origin", head.origin()},
                          {"vkey", head.vkey()},
                          {"signed_size", head.signed_size()},
                          {"signed_root", root},
                          {"durable_size", head.durable_size()},
                          {"indexed_size", head.indexed_size()},
                          {"oldest_index", head.oldest_index()},
                          {"note", head.note()}}));
  } else if (options.note) {
    COFFER_TRY(Print(head.note()));
  } else {
    std::vector<std::pair<std::string, std::string>> lines = {
        {"log", head.origin()},
        {"key", head.vkey()},
        {"signed", std::to_string(head.signed_size()) + " records, root " + root},
        {"on disk", std::to_string(head.durable_size()) + " records"},
        {"searchable", std::to_string(head.indexed_size()) + " records"}};
    if (head.oldest_index() > 0) {
      lines.emplace_back("oldest", "record " + std::to_string(head.oldest_index()) + "; those before it were dropped");
    }
    COFFER_TRY(Print(AlignedLines(lines)));
  }
  return kExitOk;
}

// The log's key that was given, else the one that the service names, which is the service's own word.
Outcome<audit::LogTrust> TrustIn(client::Client& client, TrustOptions trust) {
  if (trust.vkey.empty()) {
    COFFER_ASSIGN_OR_RETURN(const auto head, client.GetCheckpoint(v1::GetCheckpointRequest()));
    trust.vkey = head.vkey();
  }
  COFFER_ASSIGN_OR_RETURN(const NoteVerifier key, ReadVkey("--vkey", trust.vkey, NoteKeyType::kSignature));
  return TrustFrom(key, trust);
}

Outcome<void> WriteNew(const std::string& path, std::string_view bytes) {
  COFFER_ASSIGN_OR_RETURN(ByteSink sink, ByteSink::Open(path));
  COFFER_TRY(sink.Write(bytes));
  return sink.Finish();
}

// Why there is no such record any more.
Failure Dropped(client::Client& client, std::uint64_t index) {
  std::string what = "record " + std::to_string(index) + " was dropped by the log's retention";
  const auto head = client.GetCheckpoint(v1::GetCheckpointRequest());
  if (head.ok()) what += ": record " + std::to_string(head->oldest_index()) + " is the oldest that is left";
  return Failure(kExitFailed, what, "a copy of the log from before has it; its hash is still in the log's tree");
}

Outcome<int> Prove(Session& session, const ProveOptions& options) {
  if (IsStandardStream(options.out)) return UsageFailure("--out takes the name of a file: the record is put beside it");
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAuditorRole));
  COFFER_ASSIGN_OR_RETURN(const audit::LogTrust trust, TrustIn(*client, options.trust));
  v1::ProveRecordRequest request;
  request.set_index(options.index);
  auto answer = client->ProveRecord(request);
  if (!answer.ok() && answer.error().code == ErrorCode::kNotFound) return Dropped(*client, options.index);
  COFFER_ASSIGN_OR_RETURN(const auto proved, std::move(answer));
  const Result<audit::TlogProof> proof = audit::TlogProof::Parse(proved.proof());
  if (!proof.ok()) return Failure(kExitFailed, "the service's proof cannot be read: " + proof.error().ToString());
  const auto opened = audit::VerifyTlogProof(*proof, audit::LeafHash(AsBytes(proved.record())), trust);
  if (!opened.ok() || proof->index != options.index) {
    audit::LogTrust log_alone = trust;
    log_alone.witnesses.clear();
    log_alone.quorum = 0;
    if (!opened.ok() && audit::VerifyTlogProof(*proof, audit::LeafHash(AsBytes(proved.record())), log_alone).ok()) {
      return Failure(kExitFailed, "too few witnesses have cosigned a checkpoint with this record yet",
                     "try again in some seconds; `coffer operator status` says how the witnesses are");
    }
    const std::string why = opened.ok() ? "it is of another record" : opened.error().ToString();
    return Failure(kExitFailed, "the service's proof does not hold: " + why);
  }
  const std::string record = options.out + std::string(kRecordSuffix);
  COFFER_TRY(WriteNew(record, proved.record()));
  COFFER_TRY(WriteNew(options.out, proved.proof()));
  const std::uint64_t size = opened->checkpoint.head.size;
  if (session.json()) {
    COFFER_TRY(PrintJson({{"index", options.index},
                          {"origin", opened->checkpoint.origin},
                          {"size", size},
                          {"proof", options.out},
                          {"record", record}}));
    return kExitOk;
  }
  COFFER_TRY(Print("record " + std::to_string(options.index) + " is in " + opened->checkpoint.origin + " of " +
                   std::to_string(size) + " records: proof in " + options.out + ", record in " + record + "\n"));
  return kExitOk;
}

}  // namespace

void AddAuditProofCommands(CommandTree& tree, CLI::App& audit) {
  auto showing = std::make_shared<CheckpointOptions>();
  CLI::App& checkpoint = tree.AddCommand(audit, "checkpoint", "The log's last signed checkpoint",
                                         "  coffer audit checkpoint --role app\n"
                                         "  coffer audit checkpoint --note > checkpoint",
                                         [showing](Session& session) { return ShowCheckpoint(session, *showing); });
  checkpoint.add_flag("--note", showing->note, "Only the signed note, as it is");

  auto proving = std::make_shared<ProveOptions>();
  CLI::App& prove = tree.AddCommand(audit, "prove", "Write a record, and the proof that it is in the log",
                                    "  coffer audit prove 4711 --out 4711.tlog-proof\n"
                                    "  coffer audit prove 4711 --out p --vkey log.vkey --witness-key w1.vkey",
                                    [proving](Session& session) { return Prove(session, *proving); });
  prove.add_option("index", proving->index, "The record's index")
      ->type_name("INDEX")
      ->required()
      ->check(NumberBetween(0, audit::kMaxTreeSize - 1));
  prove.add_option("--out", proving->out, "A new file for the proof; the record gets the same name and \".record\"")
      ->type_name("FILE")
      ->required();
  prove.add_option("--vkey", proving->trust.vkey, "The log's key, or a file with it; the service's word unless told")
      ->type_name("VKEY");
  prove.add_option("--witness-key", proving->trust.witness_keys, "A witness that must have cosigned")
      ->type_name("VKEY")
      ->allow_extra_args(false);
}

}  // namespace coffer::cli
