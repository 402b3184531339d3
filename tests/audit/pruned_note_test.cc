#include "audit/pruned_note.h"

#include <gtest/gtest.h>

#include "audit/checkpoint.h"
#include "crypto/text_form.h"
#include "io/file.h"
#include "tests/crypto/note_vectors.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {
namespace {

constexpr std::string_view kRoot = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
constexpr std::string_view kText =
    "coffer/v1/audit-pruned\nexample.com/log\n4711\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

NoteSigner LogKey(std::string_view name = "example.com/log", unsigned key = 0) {
  return NoteSigner::Create(name, KeyFrom(key)).value();
}
TreeHead Base() { return {4711, DigestFromBase64(kRoot).value()}; }

// Any text, signed by the log.
std::string Signed(const std::string& text) {
  SignedNote note;
  note.text = text;
  note.signatures.push_back(LogKey().Sign(text).value());
  return note.ToText();
}

TEST(PrunedNoteTest, TheTextIsFourLinesAndComesBack) {
  const PrunedText text{"example.com/log", Base()};
  EXPECT_EQ(text.ToText(), kText);
  EXPECT_EQ(PrunedText::Parse(kText).value(), text);
}

TEST(PrunedNoteTest, WhatTheLogSignedOpens) {
  const SignedNote note = SignPruned(Base(), LogKey()).value();
  EXPECT_EQ(note.text, kText);
  EXPECT_EQ(OpenPruned(note.ToText(), LogKey().verifier()).value(), Base());
}

TEST(PrunedNoteTest, MalformedTextsAreRefusedWithTheirLine) {
  const std::string first = "coffer/v1/audit-pruned\n";
  const std::string root = std::string(kRoot) + "\n";
  const struct {
    const char* name;
    std::string text;
    std::uint64_t line;
  } cases[] = {
      {"empty", "", 0},
      {"no newline", first + "log\n1\n" + std::string(kRoot), 0},
      {"a checkpoint", "log\n1\n" + root, 1},
      {"another first line", "coffer/v2/audit-pruned\nlog\n1\n" + root, 1},
      {"a first line with more", "coffer/v1/audit-pruned \nlog\n1\n" + root, 1},
      {"nothing else", first, 2},
      {"an empty origin", first + "\n1\n" + root, 2},
      {"no index", first + "log\n", 3},
      {"an index of zero", first + "log\n0\n" + root, 3},
      {"a leading zero", first + "log\n01\n" + root, 3},
      {"a sign", first + "log\n+1\n" + root, 3},
      {"an index above all", first + "log\n4611686018427387905\n" + root, 3},
      {"no root", first + "log\n1\n", 4},
      {"an empty root", first + "log\n1\n\n", 4},
      {"a short root", first + "log\n1\nAAAA\n", 4},
      {"unused bits", first + "log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", 4},
      {"a fifth line", first + "log\n1\n" + root + "more\n", 5},
      {"an empty fifth line", first + "log\n1\n" + root + "\n", 5},
  };
  for (const auto& wrong : cases) {
    const Result<PrunedText> parsed = PrunedText::Parse(wrong.text);
    ASSERT_FALSE(parsed.ok()) << wrong.name;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument) << wrong.name;
    EXPECT_EQ(parsed.error().line(), wrong.line) << wrong.name;
  }
}

TEST(PrunedNoteTest, NoCheckpointIsANoteOfRetentionNorTheOtherWayRound) {
  // Not even under names that are chosen for it.
  for (const std::string_view name : {"example.com/log", "4711", "coffer/v1/audit-pruned"}) {
    const NoteSigner log = LogKey(name);
    EXPECT_FALSE(OpenPruned(SignCheckpoint(Base(), log)->ToText(), log.verifier()).ok()) << name;
    EXPECT_FALSE(OpenCheckpoint(SignPruned(Base(), log)->ToText(), LogTrust::Of(log.verifier())).ok()) << name;
  }
}

TEST(PrunedNoteTest, NotesThatThisLogDidNotSignAreRefused) {
  const NoteVerifier key = LogKey().verifier();
  SignedNote unsigned_note = SignPruned(Base(), LogKey()).value();
  unsigned_note.signatures[0].bytes[3] ^= std::byte{1};
  const std::string text(kText);
  const struct {
    const char* name;
    std::string note;
    ErrorCode code;
  } cases[] = {
      {"a false signature", unsigned_note.ToText(), ErrorCode::kIntegrity},
      {"another key of that name", SignPruned(Base(), LogKey("example.com/log", 32))->ToText(), ErrorCode::kIntegrity},
      {"another log", SignPruned(Base(), LogKey("example.com/other"))->ToText(), ErrorCode::kIntegrity},
      {"another origin than the key's", Signed(PrunedText{"example.com/other", Base()}.ToText()),
       ErrorCode::kIntegrity},
      {"no signature", text, ErrorCode::kInvalidArgument},
      {"an edited index", std::string(SignPruned(Base(), LogKey())->ToText()).replace(text.find("4711"), 4, "4712"),
       ErrorCode::kIntegrity},
      {"another text of the log", Signed("example.com/log\n4711\n" + std::string(kRoot) + "\n"),
       ErrorCode::kInvalidArgument},
  };
  for (const auto& wrong : cases) {
    const Result<TreeHead> opened = OpenPruned(wrong.note, key);
    ASSERT_FALSE(opened.ok()) << wrong.name;
    EXPECT_EQ(opened.error().code(), wrong.code) << wrong.name;
  }
}

TEST(PrunedNoteTest, AFolderWithoutANoteHasDroppedNothingAndABadNoteIsDamage) {
  const TempDir folder;
  EXPECT_EQ(ReadPruned(folder.path(), LogKey().verifier()).value(), TreeHead());
  const std::string path = folder / kPrunedNote;
  ASSERT_TRUE(WriteFileDurably(path, AsBytes(SignPruned(Base(), LogKey())->ToText()), 0644).ok());
  EXPECT_EQ(ReadPruned(folder.path(), LogKey().verifier()).value(), Base());
  EXPECT_EQ(ReadPruned(folder.path(), LogKey("example.com/log", 32).verifier()).error().code(), ErrorCode::kIntegrity);
  for (const std::string_view content : {"", "x", "coffer/v1/audit-pruned\n"}) {
    ASSERT_TRUE(WriteFileDurably(path, AsBytes(content), 0644).ok());
    EXPECT_EQ(ReadPruned(folder.path(), LogKey().verifier()).error().code(), ErrorCode::kIntegrity) << content;
  }
}

}  // namespace
}  // namespace coffer::audit
