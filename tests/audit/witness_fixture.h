// A log in memory and a witness of it.
#pragma once

#include <map>

#include <gtest/gtest.h>

#include "audit/witness.h"
#include "audit/witness_client.h"
#include "tests/crypto/note_vectors.h"

namespace coffer::audit {

inline constexpr char kLogOrigin[] = "coffer/5acf2349-5267-7809-9a38-25188778f680";
inline constexpr std::int64_t kWitnessNow = 1'795'250'000'000'000;

// Grows, and proves that it did. The records say `history`: another one is another log under the same name.
class SignedLog {
 public:
  explicit SignedLog(unsigned key = 0, std::string history = "one")
      : signer_(NoteSigner::Create(kLogOrigin, KeyFrom(key)).value()), history_(std::move(history)) {}

  SignedNote At(std::uint64_t size) { return SignCheckpoint(HeadAt(size), signer_).value(); }
  TreeHead HeadAt(std::uint64_t size) { return FrontierAt(size, Source(size))->Head(); }
  Proof Prove(Growth growth) { return MakeConsistencyProof(growth, Source(growth.to)).value(); }
  // The body that shows the growth.
  std::string Body(Growth growth) {
    const SignedNote note = At(growth.to);
    return WitnessRequest::ToText(growth.from, Prove(growth), note);
  }
  NoteVerifier vkey() const { return signer_.verifier(); }

 private:
  HashSource Source(std::uint64_t size) {
    while (leaves_.size() < size) {
      leaves_.push_back(LeafHash(AsBytes(history_ + " " + std::to_string(leaves_.size()))));
    }
    return [this](unsigned level, std::uint64_t index) -> Result<Digest> {
      return RootOf(std::span(leaves_).subspan(index << level, std::size_t{1} << level));
    };
  }

  std::vector<Digest> leaves_;
  NoteSigner signer_;
  const std::string history_;
};

// Fails, or says that it failed, when told to.
class MemoryWitnessStore final : public WitnessStore {
 public:
  Result<std::optional<std::string>> Load(const std::string& origin) override {
    if (fail_load) return Error(ErrorCode::kUnavailable, "no disk");
    const auto found = notes.find(origin);
    return found == notes.end() ? std::nullopt : std::optional(found->second);
  }
  Status Save(const std::string& origin, const std::string& note) override {
    if (fail_save) return Error(ErrorCode::kUnavailable, "no disk");
    notes[origin] = note;
    ++saves;
    return fail_after_save ? Status(Error(ErrorCode::kUnavailable, "no disk")) : Status();
  }
  Status KeepFork(const std::string& origin, const std::string& note) override {
    forks[origin] = note;
    return {};
  }

  std::map<std::string, std::string> notes;
  std::map<std::string, std::string> forks;
  int saves = 0;
  bool fail_load = false;
  bool fail_save = false;
  bool fail_after_save = false;
};

class WitnessTest : public ::testing::Test {
 protected:
  std::unique_ptr<Witness> Make() {
    return Witness::Create(NoteCosigner::Create("witness.example/w1", KeyFrom(32)).value(),
                           {{.origin = kLogOrigin, .keys = {log.vkey()}}}, store, clock)
        .value();
  }
  // The answer's cosignature, verified.
  static std::uint64_t TimeOf(const SignedNote& note, const WitnessAnswer& answer, const NoteVerifier& witness) {
    const SignedNote cosigned = SignedNote::Parse(note.text + "\n" + answer.body).value();
    const std::vector<NoteVerifier> known = {witness};
    return VerifyNote(cosigned, known)->front().time_unix_s.value();
  }

  SignedLog log;
  MemoryWitnessStore store;
  FakeClock clock{kWitnessNow};
};

}  // namespace coffer::audit
