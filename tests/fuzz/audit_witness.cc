// A witness's requests and answers: what parses is written back to the same bytes; a witness in any state answers one
// of the statuses of c2sp.org/tlog-witness, cosigns only what its log signed and what continues it, and never forgets;
// a log believes no answer that its witness did not give. The first byte chooses the check.
#include <algorithm>
#include <map>

#include "audit/witness.h"
#include "audit/witness_client.h"

namespace coffer::audit {
namespace {

Ed25519PrivateKey FixedKey(unsigned char fill) {
  SecretBytes seed(Ed25519PrivateKey::kSeedSize);
  const MutableBytes bytes = seed.ExposeMutable(SecretAccess::kTest);
  std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(fill));
  return Ed25519PrivateKey::FromSeed(seed).value();
}

const NoteSigner& LogKey() {
  static const NoteSigner log = NoteSigner::Create("log", FixedKey(1)).value();
  return log;
}

NoteCosigner WitnessKey() { return NoteCosigner::Create("witness", FixedKey(2)).value(); }

// A log of up to 64 records.
const std::vector<Digest>& Leaves() {
  static const std::vector<Digest> leaves = [] {
    std::vector<Digest> made;
    for (int i = 0; i < 64; ++i) made.push_back(LeafHash(AsBytes(std::to_string(i))));
    return made;
  }();
  return leaves;
}

HashSource Source() {
  return [](unsigned level, std::uint64_t index) -> Result<Digest> {
    return RootOf(std::span(Leaves()).subspan(index << level, std::size_t{1} << level));
  };
}

SignedNote CheckpointAt(std::uint64_t size) {
  return SignCheckpoint(FrontierAt(size, Source())->Head(), LogKey()).value();
}

class Memory final : public WitnessStore {
 public:
  Result<std::optional<std::string>> Load(const std::string& origin) override {
    const auto found = notes_.find(origin);
    return found == notes_.end() ? std::nullopt : std::optional(found->second);
  }
  Status Save(const std::string& origin, const std::string& note) override {
    notes_[origin] = note;
    return {};
  }
  Status KeepFork(const std::string&, const std::string&) override { return {}; }

 private:
  std::map<std::string, std::string> notes_;
};

void CheckRequest(std::string_view body) {
  const auto request = WitnessRequest::Parse(body);
  if (!request.ok()) return COFFER_CHECK(request.error().code() == ErrorCode::kInvalidArgument);
  COFFER_CHECK(WitnessRequest::ToText(request->old_size, request->proof, request->note) == body);
  COFFER_CHECK(request->proof.size() <= kMaxProofHashes);
}

bool IsStatus(int status) {
  constexpr std::array<int, 6> kStatuses = {200, 400, 403, 404, 409, 422};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

// The body as it is, to a witness that has seen 5 records.
void CheckWitness(std::string_view body) {
  Memory memory;
  const FakeClock clock;
  const auto witness =
      Witness::Create(WitnessKey(), {{.origin = "log", .keys = {LogKey().verifier()}}}, memory, clock).value();
  COFFER_CHECK(witness->AddCheckpoint(WitnessRequest::ToText(0, {}, CheckpointAt(5))).status == 200);
  const WitnessAnswer answer = witness->AddCheckpoint(body);
  COFFER_CHECK(IsStatus(answer.status) && answer.body.ends_with('\n'));
  if (answer.status != 200)
    return COFFER_CHECK(witness->AddCheckpoint(WitnessRequest::ToText(5, {}, CheckpointAt(5))).status == 200);
  const WitnessRequest request = WitnessRequest::Parse(body).value();
  COFFER_CHECK(OpenCheckpoint(request.note, LogTrust::Of(LogKey().verifier())).ok());
  COFFER_CHECK(request.old_size == 5 && request.checkpoint.head.size >= 5);
}

// Steps of a log: each byte asks for a growth, true or not; the witness's size never falls.
void CheckSteps(ByteView input) {
  Memory memory;
  const FakeClock clock;
  const auto witness =
      Witness::Create(WitnessKey(), {{.origin = "log", .keys = {LogKey().verifier()}}}, memory, clock).value();
  std::uint64_t kept = 0;
  for (std::size_t i = 0; i + 1 < std::min<std::size_t>(input.size(), 32); i += 2) {
    const std::uint64_t from = std::to_integer<std::uint64_t>(input[i]) % 65;
    const std::uint64_t to = std::to_integer<std::uint64_t>(input[i + 1]) % 65;
    const auto made = MakeConsistencyProof({from, to}, Source());
    const Proof proof = made.ok() ? *made : Proof();
    const int status = witness->AddCheckpoint(WitnessRequest::ToText(from, proof, CheckpointAt(to))).status;
    COFFER_CHECK(IsStatus(status) && status != 403 && status != 404 && status != 422);
    COFFER_CHECK((status == 200) == (from == kept && to >= from));
    COFFER_CHECK((status == 400) == (from > to));
    if (status == 200) kept = to;
  }
}

// Whatever a witness answers, only its own cosignature counts.
void CheckAnswer(ByteView input) {
  if (input.empty()) return;
  constexpr std::array<int, 8> kStatuses = {200, 400, 403, 404, 409, 422, 500, 302};
  const int status = kStatuses[std::to_integer<std::size_t>(input[0]) % kStatuses.size()];
  const std::string body(AsText(input.subspan(1)));
  WitnessClient client(WitnessKey().verifier());
  const SignedNote note = CheckpointAt(9);
  const auto prove = [](Growth growth) { return MakeConsistencyProof(growth, Source()); };
  const auto post = [&](const std::string&) -> Result<WitnessReply> { return WitnessReply{status, body}; };
  const WitnessOutcome outcome = client.Ask(note, FrontierAt(9, Source())->Head(), prove, post);
  if (outcome.kind != WitnessOutcome::Kind::kCosigned) return;
  COFFER_CHECK(status == 200);
  COFFER_CHECK(WitnessKey().Cosign(note.text, outcome.time_unix_s).value() == outcome.cosignature);
}

}  // namespace
}  // namespace coffer::audit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace audit = coffer::audit;
  if (size == 0) return 0;
  const coffer::ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 4) {
    case 0:
      audit::CheckRequest(coffer::AsText(input));
      break;
    case 1:
      audit::CheckWitness(coffer::AsText(input));
      break;
    case 2:
      audit::CheckSteps(input);
      break;
    default:
      audit::CheckAnswer(input);
      break;
  }
  return 0;
}
