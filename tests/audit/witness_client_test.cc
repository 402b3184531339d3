#include "audit/witness_client.h"

#include "tests/audit/witness_fixture.h"

namespace coffer::audit {
namespace {

using Kind = WitnessOutcome::Kind;

class WitnessClientTest : public WitnessTest {
 protected:
  WitnessClientTest() : witness(Make()), client(witness->verifier()) {}

  // The real witness.
  WitnessPost ToWitness() {
    return [this](const std::string& body) -> Result<WitnessReply> {
      ++posts;
      WitnessAnswer answer = witness->AddCheckpoint(body);
      return WitnessReply{answer.status, std::move(answer.body)};
    };
  }
  // One that always says the same.
  WitnessPost Saying(int status, std::string body) {
    return [this, status, body = std::move(body)](const std::string&) -> Result<WitnessReply> {
      ++posts;
      return WitnessReply{status, body};
    };
  }
  WitnessOutcome Ask(SignedLog& from, std::uint64_t size, const WitnessPost& post) {
    const SignedNote note = from.At(size);
    return client.Ask(
        note, from.HeadAt(size), [&from](Growth growth) -> Result<Proof> { return from.Prove(growth); }, post);
  }

  std::unique_ptr<Witness> witness;
  WitnessClient client;
  int posts = 0;
};

TEST_F(WitnessClientTest, GetsCosignaturesAsTheLogGrows) {
  for (const std::uint64_t size : {3U, 4U, 300U}) {
    const WitnessOutcome outcome = Ask(log, size, ToWitness());
    ASSERT_EQ(outcome.kind, Kind::kCosigned);
    EXPECT_EQ(outcome.witness_size, size);
    EXPECT_EQ(outcome.time_unix_s, static_cast<std::uint64_t>(kWitnessNow / 1'000'000));
    SignedNote note = log.At(size);
    note.signatures.push_back(outcome.cosignature);
    LogTrust trust = LogTrust::Of(log.vkey());
    trust.witnesses = {witness->verifier()};
    trust.quorum = 1;
    EXPECT_TRUE(OpenCheckpoint(note, trust).ok());
  }
  EXPECT_EQ(posts, 3) << "what the witness knows is remembered";
}

TEST_F(WitnessClientTest, AWitnessThatKnowsTheLogAlreadyIsAskedTwice) {
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
  EXPECT_EQ(Ask(log, 12, ToWitness()).kind, Kind::kCosigned);
  EXPECT_EQ(posts, 2);
}

TEST_F(WitnessClientTest, ALogThatIsShorterThanItWasIsNoticed) {
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
  const WitnessOutcome outcome = Ask(log, 5, ToWitness());
  EXPECT_EQ(outcome.kind, Kind::kRolledBack);
  EXPECT_EQ(outcome.witness_size, 9u);
  EXPECT_EQ(Ask(log, 5, ToWitness()).kind, Kind::kRolledBack) << "and is so until it is put right";
  EXPECT_EQ(Ask(log, 12, ToWitness()).kind, Kind::kCosigned);
}

TEST_F(WitnessClientTest, ALogThatWasRewrittenIsNoticedAtEverySize) {
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
  SignedLog fork(0, "another");
  EXPECT_EQ(Ask(fork, 5, ToWitness()).kind, Kind::kRolledBack);
  EXPECT_EQ(Ask(fork, 9, ToWitness()).kind, Kind::kForked);
  const WitnessOutcome outcome = Ask(fork, 12, ToWitness());
  EXPECT_EQ(outcome.kind, Kind::kForked);
  EXPECT_EQ(outcome.witness_size, 9u);
}

TEST_F(WitnessClientTest, AWitnessWithoutItsMemoryGetsAllOfItAgain) {
  ASSERT_EQ(Ask(log, 9, ToWitness()).kind, Kind::kCosigned);
  store.notes.clear();
  witness = Make();
  EXPECT_EQ(Ask(log, 12, ToWitness()).kind, Kind::kCosigned);
}

TEST_F(WitnessClientTest, NoAnswerIsNoAccusation) {
  const auto silent = [](const std::string&) -> Result<WitnessReply> {
    return Error(ErrorCode::kUnavailable, "does not answer");
  };
  EXPECT_EQ(Ask(log, 4, silent).kind, Kind::kUnavailable);
  for (const int status : {500, 502, 503}) EXPECT_EQ(Ask(log, 4, Saying(status, "")).kind, Kind::kUnavailable);
  EXPECT_EQ(Ask(log, 4, Saying(404, "")).kind, Kind::kNotKnown);
  EXPECT_EQ(Ask(log, 4, Saying(403, "")).kind, Kind::kNotKnown);
  EXPECT_EQ(Ask(log, 4, ToWitness()).kind, Kind::kCosigned);
}

TEST_F(WitnessClientTest, AProofThatCannotBeMadeIsTriedLater) {
  const SignedNote note = log.At(4);
  const auto cannot = [](Growth) -> Result<Proof> { return Error(ErrorCode::kUnavailable, "no disk"); };
  EXPECT_EQ(client.Ask(note, log.HeadAt(4), cannot, ToWitness()).kind, Kind::kUnavailable);
}

TEST_F(WitnessClientTest, AnswersOfNoWitnessAreFalse) {
  const SignedNote note = log.At(4);
  const NoteCosigner stranger = NoteCosigner::Create("witness.example/w1", KeyFrom(60)).value();
  const NoteCosigner other_name = NoteCosigner::Create("witness.example/w2", KeyFrom(32)).value();
  const NoteCosigner ours = NoteCosigner::Create("witness.example/w1", KeyFrom(32)).value();
  NoteSignature broken = ours.Cosign(note.text, 7).value();
  broken.bytes[20] ^= std::byte{1};
  struct Case {
    const char* what;
    int status;
    std::string body;
  };
  const std::vector<Case> cases = {
      {"nothing", 200, ""},
      {"no signature", 200, "fine\n"},
      {"another key", 200, stranger.Cosign(note.text, 7)->ToLine()},
      {"another name", 200, other_name.Cosign(note.text, 7)->ToLine()},
      {"another text", 200, ours.Cosign(log.At(3).text, 7)->ToLine()},
      {"a broken one", 200, broken.ToLine()},
      {"a good one and a broken one", 200, ours.Cosign(note.text, 7)->ToLine() + broken.ToLine()},
      {"no newline", 200, ours.Cosign(note.text, 7)->ToLine().substr(0, 100)},
      {"the log's own", 200, note.signatures[0].ToLine()},
      {"no size", 409, ""},
      {"no newline behind a size", 409, "4"},
      {"two sizes", 409, "4\n5\n"},
      {"a negative size", 409, "-4\n"},
      {"a leading zero", 409, "04\n"},
      {"too large a size", 409, "9223372036854775808\n"},
      {"the old size, as if it were another", 409, "0\n"},
      {"a redirection", 302, ""},
      {"not our fault", 400, "malformed\n"},
      {"half an answer", 206, ours.Cosign(note.text, 7)->ToLine()},
      {"a fancy answer", 299, ""},
  };
  for (const Case& wrong : cases) {
    WitnessClient fresh(witness->verifier());
    const auto prove = [this](Growth growth) -> Result<Proof> { return log.Prove(growth); };
    const WitnessOutcome outcome = fresh.Ask(note, log.HeadAt(4), prove, Saying(wrong.status, wrong.body));
    EXPECT_EQ(outcome.kind, Kind::kFalse) << wrong.what;
    EXPECT_TRUE(outcome.cosignature.bytes.empty()) << wrong.what;
  }
}

TEST_F(WitnessClientTest, LinesOfOthersBesideOursAreIgnored) {
  const SignedNote note = log.At(4);
  const NoteCosigner ours = NoteCosigner::Create("witness.example/w1", KeyFrom(32)).value();
  const NoteCosigner other = NoteCosigner::Create("witness.example/w2", KeyFrom(60)).value();
  const std::string body = other.Cosign(note.text, 7)->ToLine() + ours.Cosign(note.text, 8)->ToLine();
  const WitnessOutcome outcome = Ask(log, 4, Saying(200, body));
  ASSERT_EQ(outcome.kind, Kind::kCosigned);
  EXPECT_EQ(outcome.cosignature.name, "witness.example/w1");
  EXPECT_EQ(outcome.time_unix_s, 8u);
}

TEST_F(WitnessClientTest, AWitnessThatChangesItsMindIsNotAskedForever) {
  int asked = 0;
  const auto restless = [&asked](const std::string&) -> Result<WitnessReply> {
    return WitnessReply{409, std::to_string(++asked) + "\n"};
  };
  EXPECT_EQ(Ask(log, 40, restless).kind, Kind::kUnavailable);
  EXPECT_EQ(asked, 2);
}

TEST(WitnessRequestTest, WhatParsesIsWrittenBackAsItWas) {
  SignedLog log;
  for (const Growth growth : {Growth{0, 0}, Growth{0, 7}, Growth{3, 7}, Growth{7, 7}, Growth{200, 1000}}) {
    const std::string body = log.Body(growth);
    const WitnessRequest request = WitnessRequest::Parse(body).value();
    EXPECT_EQ(WitnessRequest::ToText(request.old_size, request.proof, request.note), body);
    EXPECT_EQ(request.old_size, growth.from);
    EXPECT_EQ(request.checkpoint.head, log.HeadAt(growth.to));
  }
}

// The example of c2sp.org/tlog-witness.
TEST(WitnessRequestTest, TheExampleOfTheSpecificationParses) {
  const std::string body =
      "old 20852014\n"
      "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
      "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
      "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
      "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
      "\n"
      "example.com/behind-the-sofa\n"
      "20852163\n"
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
      "\n"
      "\xe2\x80\x94 example.com/behind-the-sofa "
      "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
      "\xe2\x80\x94 example.com/behind-the-sofa "
      "opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
  const WitnessRequest request = WitnessRequest::Parse(body).value();
  EXPECT_EQ(request.old_size, 20852014u);
  EXPECT_EQ(request.proof.size(), 4u);
  EXPECT_EQ(request.checkpoint.origin, "example.com/behind-the-sofa");
  EXPECT_EQ(request.checkpoint.head.size, 20852163u);
  EXPECT_EQ(request.note.signatures.size(), 2u);
  EXPECT_EQ(WitnessRequest::ToText(request.old_size, request.proof, request.note), body);
}

}  // namespace
}  // namespace coffer::audit
