#include "audit/witness.h"

#include <atomic>
#include <thread>

#include "audit/signing_key.h"
#include "io/directory.h"
#include "io/file.h"
#include "tests/audit/witness_fixture.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {
namespace {

TEST_F(WitnessTest, CosignsALogThatGrows) {
  const auto witness = Make();
  std::uint64_t from = 0;
  for (const std::uint64_t size : {0U, 1U, 2U, 3U, 200U, 256U, 257U, 700U}) {
    clock.Advance(1'000'000);
    const WitnessAnswer answer = witness->AddCheckpoint(log.Body({from, size}));
    ASSERT_EQ(answer.status, 200) << size << ": " << answer.body;
    EXPECT_EQ(TimeOf(log.At(size), answer, witness->verifier()),
              static_cast<std::uint64_t>(clock.UnixMicros() / 1'000'000));
    EXPECT_EQ(answer.origin, kLogOrigin);
    EXPECT_EQ(answer.size, size);
    from = size;
  }
}

TEST_F(WitnessTest, CosignsTheSameCheckpointAgain) {
  const auto witness = Make();
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 5})).status, 200);
  clock.Advance(60'000'000);
  const WitnessAnswer again = witness->AddCheckpoint(log.Body({5, 5}));
  ASSERT_EQ(again.status, 200);
  EXPECT_EQ(TimeOf(log.At(5), again, witness->verifier()), static_cast<std::uint64_t>(kWitnessNow / 1'000'000 + 60));
}

TEST_F(WitnessTest, SaysWhatItKnowsWhenTheOldSizeIsAnotherOne) {
  const auto witness = Make();
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 5})).status, 200);
  for (const Growth wrong : {Growth{0, 9}, Growth{4, 9}, Growth{6, 9}, Growth{0, 5}}) {
    const WitnessAnswer answer = witness->AddCheckpoint(log.Body(wrong));
    EXPECT_EQ(answer.status, 409) << wrong.from;
    EXPECT_EQ(answer.body, "5\n");
    EXPECT_EQ(answer.content_type, "text/x.tlog.size");
  }
  EXPECT_EQ(witness->AddCheckpoint(log.Body({5, 9})).status, 200);
}

TEST_F(WitnessTest, RefusesARollback) {
  const auto witness = Make();
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
  for (const Growth back : {Growth{0, 5}, Growth{5, 5}, Growth{4, 8}}) {
    const WitnessAnswer answer = witness->AddCheckpoint(log.Body(back));
    EXPECT_EQ(answer.status, 409) << back.to;
    EXPECT_EQ(answer.body, "9\n");
  }
  EXPECT_EQ(witness->AddCheckpoint(WitnessRequest::ToText(9, {}, log.At(5))).status, 400)
      << "an old size above the checkpoint's";
}

TEST_F(WitnessTest, RefusesASecondHistoryAndKeepsTheEvidence) {
  const auto witness = Make();
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
  SignedLog fork(0, "another");
  EXPECT_EQ(witness->AddCheckpoint(fork.Body({9, 12})).status, 422);
  EXPECT_EQ(witness->AddCheckpoint(fork.Body({9, 700})).status, 422);
  EXPECT_TRUE(store.forks.empty()) << "a proof that does not hold shows nothing by itself";
  EXPECT_EQ(witness->AddCheckpoint(fork.Body({9, 9})).status, 409);
  ASSERT_TRUE(store.forks.contains(kLogOrigin)) << "two signed roots of one size do";
  const auto evidence = OpenCheckpoint(store.forks[kLogOrigin], LogTrust::Of(log.vkey()));
  ASSERT_TRUE(evidence.ok());
  EXPECT_EQ(evidence->checkpoint.head.size, 9u);
  EXPECT_EQ(witness->AddCheckpoint(log.Body({9, 12})).status, 200) << "and the first history goes on";
}

TEST_F(WitnessTest, AProofThatDoesNotHoldIsRefused) {
  const auto witness = Make();
  ASSERT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
  const SignedNote note = log.At(30);
  Proof proof = log.Prove({9, 30});
  const auto ask = [&](const Proof& with) {
    return witness->AddCheckpoint(WitnessRequest::ToText(9, with, note)).status;
  };
  EXPECT_EQ(ask({}), 422);
  Proof longer = proof;
  longer.push_back(longer.back());
  EXPECT_EQ(ask(longer), 422);
  for (std::size_t i = 0; i < proof.size(); ++i) {
    Proof changed = proof;
    changed[i][7] ^= std::byte{1};
    EXPECT_EQ(ask(changed), 422) << i;
  }
  EXPECT_EQ(ask(proof), 200);
}

TEST_F(WitnessTest, AProofFromNothingMustBeEmpty) {
  const auto witness = Make();
  const SignedNote note = log.At(3);
  EXPECT_EQ(witness->AddCheckpoint(WitnessRequest::ToText(0, {Digest{}}, note)).status, 422);
}

TEST_F(WitnessTest, MalformedRequestsAreRefused) {
  const auto witness = Make();
  const std::string good = log.Body({0, 9});
  const std::string note = log.At(9).ToText();
  const std::string hash(43, 'A');
  std::string many = "old 0\n";
  for (int i = 0; i < 64; ++i) many += hash + "=\n";
  const std::vector<std::string> wrong = {
      "",
      "\n",
      "old",
      "old 0",
      "old 0\n",
      "old 0\n\n",
      "old 0\n" + note,
      "old  0\n\n" + note,
      "old 00\n\n" + note,
      "old -1\n\n" + note,
      "old +0\n\n" + note,
      "old 0 \n\n" + note,
      "old 0x0\n\n" + note,
      "Old 0\n\n" + note,
      "old 4611686018427387905\n\n" + note,
      "old 99999999999999999999\n\n" + note,
      "old 0\r\n\r\n" + note,
      "size 0\n\n" + note,
      "\nold 0\n\n" + note,
      "old 0\n" + hash + "\n\n" + note,
      "old 0\n" + hash + "==\n\n" + note,
      "old 0\n " + hash + "=\n\n" + note,
      "old 0\n" + hash + "B\n\n" + note,
      "old 0\n" + std::string(64, '0') + "\n\n" + note,
      many + "\n" + note,
      "old 0\n\n" + note.substr(0, note.size() - 1),
      "old 0\n\n" + note + "x",
      "old 0\n\n" + std::string(kLogOrigin) + "\n9\n",
      "old 0\n\nno checkpoint\n\n" + note.substr(note.find("\xe2")),
      std::string(kMaxWitnessRequest + 1, 'a'),
      std::string(100, '\0'),
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const WitnessAnswer answer = witness->AddCheckpoint(wrong[i]);
    EXPECT_EQ(answer.status, 400) << i << ": " << answer.body;
    EXPECT_TRUE(answer.body.ends_with('\n')) << i;
  }
  EXPECT_EQ(store.saves, 0);
  EXPECT_EQ(witness->AddCheckpoint(good).status, 200);
}

TEST_F(WitnessTest, ALogThatIsNotKnownIsNotFound) {
  const auto witness = Make();
  const NoteSigner other = NoteSigner::Create("coffer/another", KeyFrom(0)).value();
  const SignedNote note = SignCheckpoint(TreeHead{}, other).value();
  EXPECT_EQ(witness->AddCheckpoint(WitnessRequest::ToText(0, {}, note)).status, 404);
}

TEST_F(WitnessTest, ACheckpointThatTheLogDidNotSignIsForbidden) {
  const auto witness = Make();
  SignedLog stranger(77);
  EXPECT_EQ(witness->AddCheckpoint(stranger.Body({0, 4})).status, 403) << "another key of that name";
  SignedNote forged = log.At(4);
  forged.signatures[0].bytes[3] ^= std::byte{1};
  EXPECT_EQ(witness->AddCheckpoint(WitnessRequest::ToText(0, {}, forged)).status, 403) << "a false signature";
  SignedNote longer = log.At(4);
  longer.text.replace(longer.text.find("\n4\n"), 3, "\n5\n");
  EXPECT_EQ(witness->AddCheckpoint(WitnessRequest::ToText(0, {}, longer)).status, 403) << "another size";
  EXPECT_EQ(store.saves, 0);
}

TEST_F(WitnessTest, SignaturesOfOthersAreIgnoredAndNotKept) {
  const auto witness = Make();
  SignedNote note = log.At(4);
  note.signatures.push_back(NoteCosigner::Create("w2", KeyFrom(3)).value().Cosign(note.text, 5).value());
  ASSERT_EQ(witness->AddCheckpoint(WitnessRequest::ToText(0, {}, note)).status, 200);
  EXPECT_EQ(SignedNote::Parse(store.notes[kLogOrigin])->signatures.size(), 1u);
}

TEST_F(WitnessTest, ExtensionLinesAreCosignedAsTheyAre) {
  const auto witness = Make();
  SignedNote note;
  note.text = log.At(4).text + "an extension\n";
  const NoteSigner signer = NoteSigner::Create(kLogOrigin, KeyFrom(0)).value();
  note.signatures = {signer.Sign(note.text).value()};
  const WitnessAnswer answer = witness->AddCheckpoint(WitnessRequest::ToText(0, {}, note));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(TimeOf(note, answer, witness->verifier()), static_cast<std::uint64_t>(kWitnessNow / 1'000'000));
}

TEST_F(WitnessTest, ARestartForgetsNothing) {
  ASSERT_EQ(Make()->AddCheckpoint(log.Body({0, 9})).status, 200);
  const auto witness = Make();
  EXPECT_EQ(witness->AddCheckpoint(log.Body({0, 5})).body, "9\n");
  SignedLog fork(0, "another");
  EXPECT_EQ(witness->AddCheckpoint(fork.Body({9, 12})).status, 422);
  EXPECT_EQ(witness->AddCheckpoint(log.Body({9, 12})).status, 200);
}

TEST_F(WitnessTest, NothingIsCosignedThatIsNotKept) {
  const auto witness = Make();
  store.fail_save = true;
  const WitnessAnswer answer = witness->AddCheckpoint(log.Body({0, 9}));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("\xe2\x80\x94"), std::string::npos) << "no signature left";
  store.fail_save = false;
  EXPECT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
  store.fail_load = true;
  EXPECT_EQ(witness->AddCheckpoint(log.Body({9, 12})).status, 500);
}

// The process dies, or the disk fails, when the state is kept and the reply is not sent: the log asks again and goes
// on.
TEST_F(WitnessTest, AReplyThatWasLostIsAskedForAgain) {
  ASSERT_EQ(Make()->AddCheckpoint(log.Body({0, 9})).status, 200);
  store.fail_after_save = true;
  EXPECT_EQ(Make()->AddCheckpoint(log.Body({9, 12})).status, 500);
  store.fail_after_save = false;
  const auto witness = Make();
  const WitnessAnswer conflict = witness->AddCheckpoint(log.Body({9, 12}));
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.body, "12\n");
  EXPECT_EQ(witness->AddCheckpoint(log.Body({12, 12})).status, 200);
}

TEST_F(WitnessTest, StateThatTheLogDidNotSignIsNotTrusted) {
  ASSERT_EQ(Make()->AddCheckpoint(log.Body({0, 9})).status, 200);
  store.notes[kLogOrigin] = SignedLog(5).At(3).ToText();
  const auto refused = Witness::Create(NoteCosigner::Create("w", KeyFrom(32)).value(),
                                       {{.origin = kLogOrigin, .keys = {log.vkey()}}}, store, clock);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIntegrity);
  store.notes[kLogOrigin] = "";
  EXPECT_FALSE(Witness::Create(NoteCosigner::Create("w", KeyFrom(32)).value(),
                               {{.origin = kLogOrigin, .keys = {log.vkey()}}}, store, clock)
                   .ok());
}

TEST_F(WitnessTest, ConfigurationsThatCannotBeAreRefused) {
  const auto cosigner = [] { return NoteCosigner::Create("w", KeyFrom(32)).value(); };
  const NoteVerifier witness_key = cosigner().verifier();
  const WitnessedLog good{.origin = kLogOrigin, .keys = {log.vkey()}};
  const std::vector<std::vector<WitnessedLog>> wrong = {
      {},
      {{.origin = "", .keys = {log.vkey()}}},
      {{.origin = kLogOrigin, .keys = {}}},
      {{.origin = kLogOrigin, .keys = {witness_key}}},
      {good, good},
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto made = Witness::Create(cosigner(), wrong[i], store, clock);
    ASSERT_FALSE(made.ok()) << i;
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument) << i;
  }
}

TEST_F(WitnessTest, OneOfSeveralKeysIsEnoughForALogThatChangesItsKey) {
  const auto witness =
      Witness::Create(NoteCosigner::Create("w", KeyFrom(32)).value(),
                      {{.origin = kLogOrigin, .keys = {SignedLog(5).vkey(), log.vkey()}}}, store, clock)
          .value();
  EXPECT_EQ(witness->AddCheckpoint(log.Body({0, 9})).status, 200);
}

// Whatever the order in which they come, the size never falls, and at each size there is one root.
TEST_F(WitnessTest, ManyAtOnceNeverMakeItForget) {
  const auto witness = Make();
  std::vector<std::string> bodies;
  for (std::uint64_t size = 1; size <= 60; ++size) bodies.push_back(log.Body({size - 1, size}));
  std::atomic<int> cosigned = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (const std::string& body : bodies) {
        while (true) {
          const WitnessAnswer answer = witness->AddCheckpoint(body);
          if (answer.status == 200) ++cosigned;
          if (answer.status == 200 || answer.status == 409) break;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cosigned, 60) << "each once: afterwards its old size is another one";
  EXPECT_EQ(Checkpoint::Parse(SignedNote::Parse(store.notes[kLogOrigin])->text)->head, log.HeadAt(60));
}

TEST_F(WitnessTest, FilesKeepTheStateOfEachLog) {
  const TempDir folder;
  {
    const auto files = FilesOfWitness(folder.path());
    EXPECT_FALSE(files->Load(kLogOrigin)->has_value());
    ASSERT_TRUE(files->Save(kLogOrigin, "one").ok());
    ASSERT_TRUE(files->Save("../strange origin/\n", "two").ok());
    ASSERT_TRUE(files->KeepFork(kLogOrigin, "three").ok());
  }
  const auto files = FilesOfWitness(folder.path());
  EXPECT_EQ(files->Load(kLogOrigin)->value(), "one");
  EXPECT_EQ(files->Load("../strange origin/\n")->value(), "two");
  EXPECT_EQ(ListDirectory(folder.path(), 10)->size(), 3u);
  EXPECT_FALSE(FilesOfWitness(folder / "none")->Save(kLogOrigin, "x").ok());
}

TEST(WitnessKeyTest, AKeyComesBackFromItsFileAndIsNoLogsKey) {
  const TempDir folder;
  const NoteCosigner made = MakeWitnessKey(folder / "w.key", "witness.example/w1").value();
  EXPECT_EQ(ReadWitnessKey(folder / "w.key")->verifier(), made.verifier());
  EXPECT_EQ(ReadSigningKey(folder / "w.key").error().code(), ErrorCode::kIntegrity);
  ASSERT_TRUE(MakeSigningKey(folder / "log.key", "coffer/x").ok());
  EXPECT_EQ(ReadWitnessKey(folder / "log.key").error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(MakeWitnessKey(folder / "w.key", "w").error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(MakeWitnessKey(folder / "x.key", "a name").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadWitnessKey(folder / "none").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace coffer::audit
