#include "crypto/internal/age_header.h"

#include <gtest/gtest.h>

#include "tests/crypto/age_fixture.h"

namespace coffer::internal {
namespace {

const std::string kMac(43, 'A');

std::string WithEnd(std::string_view stanzas) {
  return std::string(kAgeVersionLine) + std::string(stanzas) + "--- " + kMac + "\n";
}

// Accepted headers are written back; "" then, else the refusal.
std::string RefusalOf(std::string_view header) {
  const auto parsed = ParseAgeHeader(AsBytes(header));
  if (!parsed.ok()) return parsed.error().ToString();
  EXPECT_EQ(AsText(AgeHeaderUnderMac(parsed->stanzas)), AsText(parsed->authenticated));
  EXPECT_EQ(std::string(AsText(parsed->authenticated)) + AgeMacLine(parsed->mac), header);
  return "";
}

TEST(AgeHeaderTest, WhatIsWrittenIsParsed) {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 47U, 48U, 49U, 95U, 96U, 97U, 5000U}) {
    const std::vector<AgeStanza> stanzas = {{{"x", "!~", "---"}, Bytes(size, std::byte{0xFB})}, {{"X25519"}, {}}};
    Bytes header = AgeHeaderUnderMac(stanzas);
    Append(header, AsBytes(AgeMacLine(Digest{std::byte{9}})));
    EXPECT_EQ(RefusalOf(AsText(header)), "") << size;
    const auto parsed = ParseAgeHeader(header);
    ASSERT_EQ(parsed->stanzas.size(), 2U);
    EXPECT_EQ(parsed->stanzas[0].body, stanzas[0].body);
    EXPECT_EQ(parsed->stanzas[0].arguments, stanzas[0].arguments);
    EXPECT_EQ(parsed->mac, Digest{std::byte{9}});
  }
}

TEST(AgeHeaderTest, RefusalsNameTheLine) {
  EXPECT_EQ(RefusalOf(WithEnd("-> x\n\n")), "");
  EXPECT_EQ(RefusalOf(WithEnd("-> x\n\n-> y  z\n\n")),
            "line 4: a stanza of the age header has an empty or unprintable argument");
  EXPECT_EQ(RefusalOf(WithEnd("-> x\nAA=\n")), "line 3: the age header has base64 that is not in its one form");
  EXPECT_EQ(RefusalOf(WithEnd("-> x\nAB\n")), "line 3: the age header has base64 that is not in its one form");
  EXPECT_EQ(RefusalOf(WithEnd("x\n")), "line 2: the age header has a line that begins neither a stanza nor the MAC");
  EXPECT_EQ(RefusalOf(WithEnd("-> x\n" + std::string(65, 'A') + "\n")),
            "line 3: a body in the age header has a line of more than 64 characters");
  EXPECT_EQ(RefusalOf(WithEnd("")), "line 1: the age header has no stanza");
}

TEST(AgeHeaderTest, NothingMayStandBehindTheMac) {
  const std::string good = WithEnd("-> x\n\n");
  for (const std::string_view more : {"\n", "-", "A", "-> x\n\n", "--- "}) {
    EXPECT_NE(RefusalOf(good + std::string(more)), "") << more;
  }
  EXPECT_NE(RefusalOf(good.substr(0, good.size() - 1)), "");
}

TEST(AgeHeaderTest, EachBitOfAHeaderMattersOrIsAnotherHeader) {
  const std::string good = WithEnd("-> X25519 AAAA\nAAAA\n");
  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    std::string flipped = good;
    flipped[i / 8] = static_cast<char>(static_cast<unsigned char>(flipped[i / 8]) ^ (1U << i % 8));
    RefusalOf(flipped);  // Checks that what is accepted is written back to these bytes, not to the good ones.
  }
}

TEST(AgeBase64Test, TakesTheStandardAlphabetInOneForm) {
  EXPECT_EQ(ToAgeBase64(Hex("fbff")), "+/8");
  EXPECT_EQ(FromAgeBase64("+/8").value(), Hex("fbff"));
  for (const std::string_view bad : {"-_8", "+/9", "+/8=", "+/8 ", "A", "+/8\n", "+\r/8", "\x80===", "+_8"}) {
    EXPECT_FALSE(FromAgeBase64(bad).ok()) << bad;
  }
}

// How many bytes of `file` the cutter took, or -1 when it wants more, or -2 when it refused.
int CutAt(std::string_view file, std::size_t step) {
  AgeHeaderCutter cutter;
  std::size_t taken = 0;
  while (taken < file.size()) {
    ByteView rest = AsBytes(file).subspan(taken).first(std::min(step, file.size() - taken));
    const std::size_t before = rest.size();
    const auto whole = cutter.Take(rest);
    if (!whole.ok()) return -2;
    taken += before - rest.size();
    if (*whole) return static_cast<int>(taken);
  }
  return -1;
}

TEST(AgeHeaderCutterTest, TakesTheHeaderAndNoByteMore) {
  const std::string header = WithEnd("-> x\n---\n" + std::string("AAAA\n"));
  const std::string good = WithEnd("-> x ---\nAAAA\n");
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    EXPECT_EQ(CutAt(good + "--- payload\n--- more\n", step), static_cast<int>(good.size()));
    EXPECT_EQ(CutAt(good.substr(0, good.size() - 1), step), -1);
    EXPECT_EQ(CutAt(header, step), static_cast<int>(kAgeVersionLine.size() + 9));
  }
}

TEST(AgeHeaderCutterTest, RefusesAsSoonAsItShows) {
  EXPECT_EQ(CutAt("age-encryption.org/v1", 1), -1);
  EXPECT_EQ(CutAt("age-encryption.org/v2\n", 1), -2);
  EXPECT_EQ(CutAt(std::string(22, '\n'), 1), -2);
  EXPECT_EQ(CutAt(std::string(21, '\n'), 1), -1);
  const std::string endless = std::string(kAgeVersionLine) + "-> " + std::string(kMaxAgeHeader, 'x');
  EXPECT_EQ(CutAt(endless.substr(0, kMaxAgeHeader), 1000), -1);
  EXPECT_EQ(CutAt(endless.substr(0, kMaxAgeHeader + 1), 1000), -2);
}

TEST(X25519StanzaTest, UnwrapsForItsRecipientOnly) {
  const SecretBytes file_key = SecretOf(Bytes(16, std::byte{5}));
  const SecretBytes ephemeral = SecretOf(Bytes(32, std::byte{6}));
  const AgeStanza stanza = WrapAgeFileKey(file_key, TestReader().Recipient(), ephemeral).value();
  const auto stanzas = X25519StanzasOf({{stanza, {{"other"}, {}}}, {}, {}});
  ASSERT_TRUE(stanzas.ok());
  ASSERT_EQ(stanzas->size(), 1U);
  const auto ours = UnwrapAgeFileKey(stanzas->front(), TestReader()).value();
  ASSERT_TRUE(ours.has_value());
  EXPECT_EQ(Revealed(*ours), std::string(16, '\5'));
  EXPECT_FALSE(UnwrapAgeFileKey(stanzas->front(), AgeIdentity::Generate()).value().has_value());
}

}  // namespace
}  // namespace coffer::internal
