// Age files against stock age (Debian package `age`), which is what stands in for us after a disaster.
#include <poll.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"
#include "io/process.h"
#include "tests/crypto/age_fixture.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

constexpr std::uint64_t kMaxFile = 1 << 20;

// The exit code, -1 when there is no such program. What it prints is dropped.
int ExitCodeOf(const std::vector<std::string>& argv) {
  ChildOptions options;
  options.input = options.output = options.error = ChildStream::kNull;
  auto child = ChildProcess::Spawn(argv, options);
  if (!child.ok()) return -1;
  return child->Wait().value();
}

class AgeStockTest : public testing::Test {
 protected:
  void SetUp() override {
    if (ExitCodeOf({"age", "--version"}) != 0) GTEST_SKIP() << "age is not installed (Debian package age)";
  }

  // Nothing when stock age refuses.
  std::optional<Bytes> Decrypt(const Json& identities, ByteView file) {
    std::string keys;
    for (const Json& identity : identities) keys += identity.get<std::string>() + "\n";
    Write("keys", AsBytes(keys));
    Write("file", file);
    ::unlink((folder_ / "out").c_str());
    if (ExitCodeOf({"age", "-d", "-i", folder_ / "keys", "-o", folder_ / "out", folder_ / "file"}) != 0)
      return std::nullopt;
    const auto out = ReadFile(folder_ / "out", kMaxFile);
    return out.ok() ? *out : Bytes();  // It writes no file when there is no plaintext.
  }
  std::optional<Bytes> Decrypt(const AgeIdentity& identity, ByteView file) {
    return Decrypt(Json::array({Revealed(identity.ToText())}), file);
  }

  std::optional<Bytes> Encrypt(std::span<const AgeRecipient> recipients, ByteView plaintext) {
    std::vector<std::string> argv = {"age", "-o", folder_ / "out"};
    for (const AgeRecipient& recipient : recipients) argv.insert(argv.end(), {"-r", recipient.ToText()});
    Write("file", plaintext);
    ::unlink((folder_ / "out").c_str());
    argv.push_back(folder_ / "file");
    if (ExitCodeOf(argv) != 0) return std::nullopt;
    return ReadFile(folder_ / "out", kMaxFile).value();
  }

  void Write(std::string_view name, ByteView bytes) { ASSERT_TRUE(WriteFileDurably(folder_ / name, bytes, 0600).ok()); }

  TempDir folder_;
};

constexpr std::array<std::size_t, 8> kSizes = {0, 1, 1000, 65'535, 65'536, 65'537, 131'072, 200'000};

TEST_F(AgeStockTest, StockAgeReadsWhatWeWrite) {
  for (const std::size_t size : kSizes) {
    const Bytes plaintext = AgePlaintext(size);
    EXPECT_EQ(Decrypt(TestReader(), WriteAge(plaintext)), plaintext) << size;
  }
}

TEST_F(AgeStockTest, WeReadWhatStockAgeWrites) {
  for (const std::size_t size : kSizes) {
    const Bytes plaintext = AgePlaintext(size);
    const auto file = Encrypt(std::span(&TestReader().Recipient(), 1), plaintext);
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(file->size(), AgeFileSize(1, size));
    const AgeReading reading = ReadAge(*file);
    EXPECT_EQ(reading.Ending(), "ok");
    EXPECT_EQ(reading.plaintext, plaintext) << size;
  }
}

TEST_F(AgeStockTest, SeveralRecipientsBothWays) {
  std::vector<AgeIdentity> identities;
  for (int i = 0; i < 4; ++i) identities.push_back(AgeIdentity::Generate());
  const Bytes plaintext = AgePlaintext(70'000);
  const Bytes ours = WriteAge(RecipientsOf(identities), plaintext);
  const auto theirs = Encrypt(RecipientsOf(identities), plaintext);
  ASSERT_TRUE(theirs.has_value());
  for (const AgeIdentity& identity : identities) {
    EXPECT_EQ(Decrypt(identity, ours), plaintext);
    EXPECT_EQ(ReadAge(std::span(&identity, 1), *theirs).plaintext, plaintext);
  }
  EXPECT_EQ(Decrypt(TestReader(), ours), std::nullopt);
  EXPECT_EQ(ReadAge(*theirs).Ending(), kForOthers);
}

TEST_F(AgeStockTest, AgeKeygenAndWeAgreeOnKeys) {
  ASSERT_EQ(ExitCodeOf({"age-keygen", "-o", folder_ / "generated"}), 0);
  const auto identities = ParseAgeIdentities(SecretOf(ReadFile(folder_ / "generated", kMaxFile).value()));
  ASSERT_TRUE(identities.ok()) << identities.error().ToString();
  ASSERT_EQ(identities->size(), 1U);
  ASSERT_EQ(ExitCodeOf({"age-keygen", "-y", "-o", folder_ / "public", folder_ / "generated"}), 0);
  const Bytes recipient = ReadFile(folder_ / "public", kMaxFile).value();
  EXPECT_EQ(AsText(recipient), identities->front().Recipient().ToText() + "\n");
}

// Wherever stock age is as strict as we are it refuses too; where the vectors say that it is not, it decrypts.
TEST_F(AgeStockTest, RefusesTheNegativesThatTheVectorsSay) {
  int refused = 0;
  int decrypted = 0;
  const Json file = LoadVectors("age.json");
  for (const Json& c : file.at("negative")) {
    if (c.at("kind") != "file") continue;
    const bool decrypts = Decrypt(c.at("identities"), HexOf(c.at("file"))).has_value();
    EXPECT_EQ(decrypts ? "decrypts" : "refuses", c.at("stock")) << c.at("name");
    ++(decrypts ? decrypted : refused);
  }
  EXPECT_GE(refused, 100);
  EXPECT_GE(decrypted, 10);
}

TEST_F(AgeStockTest, ReadsThePositives) {
  const Json file = LoadVectors("age.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("kind") == "keys" || c.at("file").is_null()) continue;
    EXPECT_EQ(Decrypt(c.at("identities"), HexOf(c.at("file"))), AgePlaintext(c.at("size").get<std::size_t>()))
        << c.at("name");
  }
}

}  // namespace
}  // namespace coffer
