#include "keysvc/witness_feed.h"

#include <arpa/inet.h>
#include <filesystem>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "audit/signing_key.h"
#include "audit/verifier.h"
#include "audit/witness.h"
#include "io/http_server.h"
#include "io/unique_fd.h"
#include "tests/crypto/note_vectors.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

namespace fs = std::filesystem;

// A witness of its own state, with its server.
class LiveWitness {
 public:
  LiveWitness(const NoteVerifier& log_key, const std::string& state, const std::string& name, unsigned key,
              std::uint16_t port = 0)
      : store_(audit::FilesOfWitness(state)),
        witness_(audit::Witness::Create(NoteCosigner::Create(name, KeyFrom(key)).value(),
                                        {{.origin = log_key.name(), .keys = {log_key}}}, *store_, clock_)
                     .value()) {
    HttpServerOptions options;
    options.port = port;
    server_ = HttpServer::Start(options, [this](const HttpRequest& request) -> HttpReply {
                ++asked;
                if (status != 0) return {.status = status, .content_type = "text/plain", .body = "nonsense\n"};
                audit::WitnessAnswer answer = witness_->AddCheckpoint(request.body);
                return {.status = answer.status, .content_type = answer.content_type, .body = answer.body};
              }).value();
  }

  WitnessAddress address() const {
    return {.url = "http://127.0.0.1:" + std::to_string(server_->port()), .key = witness_->verifier()};
  }
  std::uint16_t port() const { return server_->port(); }

  std::atomic<int> status = 0;  // what is answered instead
  std::atomic<int> asked = 0;
  // Of this witness, against everybody else's.
  void SetAhead(std::int64_t micros) { clock_.ahead_us = micros; }

 private:
  class AheadClock final : public Clock {
   public:
    std::int64_t UnixMicros() const override { return clock_.UnixMicros() + ahead_us; }
    std::int64_t MonotonicMicros() const override { return clock_.MonotonicMicros(); }
    std::atomic<std::int64_t> ahead_us = 0;

   private:
    SystemClock clock_;
  };

  AheadClock clock_;
  std::unique_ptr<audit::WitnessStore> store_;
  std::unique_ptr<audit::Witness> witness_;
  std::unique_ptr<HttpServer> server_;
};

class WitnessFeedTest : public ::testing::Test {
 protected:
  WitnessFeedTest() {
    fs::create_directory(folder / "witness");
    fs::create_directory(folder / "second");
    Open();
  }

  void Open() {
    audit::LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.publish_every = std::chrono::milliseconds(5);
    log = audit::Log::Open(options, clock).value();
  }
  NoteVerifier vkey() const { return NoteVerifier::Parse(log->vkey()).value(); }
  void Grow() {
    audit::Record record;
    record.operation = "GetKeyring";
    record.allowed = true;
    ASSERT_TRUE(log->AppendAndWait(record).ok());
    ASSERT_TRUE(log->PublishNow().ok());
  }
  std::unique_ptr<WitnessFeed> Feed(std::vector<WitnessAddress> witnesses,
                                    std::chrono::milliseconds max_age = std::chrono::minutes(5)) {
    WitnessFeed::Options options;
    options.witnesses = std::move(witnesses);
    options.interval = std::chrono::milliseconds(1);
    options.max_age = max_age;
    return WitnessFeed::Start(*log, clock, std::move(options)).value();
  }
  // What the first witness says.
  static std::string TroubleOf(const WitnessFeed& feed) { return feed.report().witnesses.at(0).trouble; }

  TempDir folder;
  SystemClock clock;
  std::unique_ptr<audit::Log> log;
};

TEST_F(WitnessFeedTest, CosignaturesArePublishedAndVerify) {
  const LiveWitness witness(vkey(), folder / "witness", "w1", 50);
  const LiveWitness second(vkey(), folder / "second", "w2", 90);
  const auto feed = Feed({witness.address(), second.address()});
  for (int i = 0; i < 5; ++i) Grow();
  const std::uint64_t size = log->signed_head().size;
  ASSERT_TRUE(WaitUntil([&] {
    const WitnessReport report = feed->report();
    return report.witnesses[0].size >= size && report.witnesses[1].size >= size;
  }));
  EXPECT_TRUE(feed->report().witnessed);
  EXPECT_EQ(TroubleOf(*feed), "");
  EXPECT_EQ(feed->report().witnesses[1].name, "w2");
  ASSERT_TRUE(WaitUntil([&] { return log->cosigned_checkpoint().ok(); }));
  ASSERT_TRUE(WaitUntil([&] { return log->checkpoint()->signatures.size() == 3; })) << "the published one as well";
  const audit::VerifyReport verified = audit::VerifyLog({.folder = folder / "audit",
                                                         .log_key = vkey(),
                                                         .last_signed = {},
                                                         .kept = {},
                                                         .witnesses = {witness.address().key, second.address().key},
                                                         .quorum = 2});
  EXPECT_TRUE(verified.untouched());
  EXPECT_EQ(verified.cosigned.size(), 2u);
}

TEST_F(WitnessFeedTest, ALogThatDoesNotGrowIsShownAgainBeforeTheCosignatureIsTooOld) {
  const LiveWitness witness(vkey(), folder / "witness", "w1", 50);
  const auto feed = Feed({witness.address()}, std::chrono::seconds(3));
  ASSERT_TRUE(WaitUntil([&] { return feed->report().witnessed; }));
  const std::int64_t first = feed->report().witnesses[0].cosigned_us;
  EXPECT_TRUE(WaitUntil([&] { return feed->report().witnesses[0].cosigned_us > first; }));
}

TEST_F(WitnessFeedTest, AWitnessThatIsAwayIsNamedAndComesBack) {
  const WitnessAddress away = [&] {
    const LiveWitness witness(vkey(), folder / "witness", "w1", 50);
    return witness.address();
  }();
  const auto feed = Feed({away});
  ASSERT_TRUE(WaitUntil([&] { return TroubleOf(*feed) == "does not answer"; }));
  EXPECT_FALSE(feed->report().witnessed);
  EXPECT_EQ(feed->report().witnesses[0].cosigned_us, 0);
  const std::size_t colon = away.url.rfind(':');
  const auto port = static_cast<std::uint16_t>(std::stoul(away.url.substr(colon + 1)));
  const LiveWitness again(vkey(), folder / "witness", "w1", 50, port);
  EXPECT_TRUE(WaitUntil([&] { return feed->report().witnessed; }));
  EXPECT_EQ(TroubleOf(*feed), "");
}

// It listens and never answers.
TEST_F(WitnessFeedTest, AStopDoesNotWaitForAWitness) {
  const UniqueFd mute(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  void* const address = &any;
  socklen_t size = sizeof(any);
  ASSERT_EQ(bind(mute.get(), static_cast<sockaddr*>(address), size), 0);
  ASSERT_EQ(listen(mute.get(), 5), 0);
  ASSERT_EQ(getsockname(mute.get(), static_cast<sockaddr*>(address), &size), 0);
  WitnessFeed::Options options;
  options.witnesses = {{.url = "http://127.0.0.1:" + std::to_string(ntohs(any.sin_port)),
                        .key = NoteCosigner::Create("w1", KeyFrom(50))->verifier()}};
  options.patience = std::chrono::hours(1);
  auto feed = WitnessFeed::Start(*log, clock, std::move(options)).value();
  pollfd asked{mute.get(), POLLIN, 0};
  ASSERT_EQ(poll(&asked, 1, 20'000), 1) << "it is asked";
  feed.reset();
}

TEST_F(WitnessFeedTest, OneOfTwoIsEnoughToBeWitnessed) {
  const LiveWitness witness(vkey(), folder / "witness", "w1", 50);
  WitnessAddress away = witness.address();
  away.url = "http://127.0.0.1:1";
  away.key = NoteCosigner::Create("w2", KeyFrom(90))->verifier();
  const auto feed = Feed({away, witness.address()});
  EXPECT_TRUE(WaitUntil([&] { return feed->report().witnessed && TroubleOf(*feed) == "does not answer"; }));
}

TEST_F(WitnessFeedTest, AWitnessOfAnotherLogOrKeySaysSo) {
  const NoteVerifier other = NoteSigner::Create("coffer/another", KeyFrom(1))->verifier();
  const LiveWitness witness(other, folder / "witness", "w1", 50);
  const auto feed = Feed({witness.address()});
  EXPECT_TRUE(WaitUntil([&] { return TroubleOf(*feed).find("does not witness this log") == 0; }));
  EXPECT_FALSE(feed->report().witnessed);
}

TEST_F(WitnessFeedTest, AnImpostorWithAnotherKeyIsNotBelieved) {
  const LiveWitness witness(vkey(), folder / "witness", "w1", 50);
  WitnessAddress address = witness.address();
  address.key = NoteCosigner::Create("w1", KeyFrom(51))->verifier();
  const auto feed = Feed({address});
  EXPECT_TRUE(WaitUntil([&] { return TroubleOf(*feed).find("answers what no witness") == 0; }));
  EXPECT_FALSE(feed->report().witnessed);
  EXPECT_FALSE(log->cosigned_checkpoint().ok());
}

// The host is put back as a whole, key and all: only the witness can tell, and does, at every size.
TEST_F(WitnessFeedTest, ALogThatWasRolledBackIsToldByItsWitness) {
  for (int i = 0; i < 3; ++i) Grow();
  log.reset();
  fs::copy(folder / "audit", folder / "yesterday", fs::copy_options::recursive);
  fs::copy_file(folder / "audit.key.signed", folder / "yesterday.signed");
  Open();
  LiveWitness witness(vkey(), folder / "witness", "w1", 50);
  {
    const auto feed = Feed({witness.address()});
    for (int i = 0; i < 30; ++i) Grow();
    const std::uint64_t size = log->signed_head().size;
    ASSERT_TRUE(WaitUntil([&] { return feed->report().witnesses[0].size >= size; }));
  }
  log.reset();
  fs::remove_all(folder / "audit");
  fs::rename(folder / "yesterday", folder / "audit");
  fs::rename(folder / "yesterday.signed", folder / "audit.key.signed");
  Open();
  const auto feed = Feed({witness.address()});
  ASSERT_TRUE(WaitUntil([&] { return TroubleOf(*feed).find("the log was rolled back") != std::string::npos; }))
      << TroubleOf(*feed);
  EXPECT_FALSE(feed->report().witnessed);
  for (int i = 0; i < 60; ++i) Grow();
  const std::string rewritten =
      "these " + std::to_string(log->signed_head().size) + " do not continue: the log was rewritten";
  EXPECT_TRUE(WaitUntil([&] { return TroubleOf(*feed).find(rewritten) != std::string::npos; })) << TroubleOf(*feed);
  EXPECT_FALSE(feed->report().witnessed);
  // Whoever is between the two has it forgotten with no answer: it has to cosign.
  const std::string refusal = TroubleOf(*feed);
  for (const int status : {404, 403, 500, 409, 200, 302}) {
    const int before = witness.asked;
    witness.status = status;
    ASSERT_TRUE(WaitUntil([&] { return witness.asked >= before + 3; }));
    EXPECT_TRUE(feed->report().witnesses[0].refuses) << status;
    EXPECT_EQ(TroubleOf(*feed), refusal) << status;
    EXPECT_FALSE(feed->report().witnessed) << status;
  }
}

TEST_F(WitnessFeedTest, AWitnessThatIsResetCosignsAndRefusesNoMore) {
  for (int i = 0; i < 5; ++i) Grow();
  const NoteSigner signer = audit::ReadSigningKey(folder / "audit.key").value();
  const auto longer = audit::SignCheckpoint({.size = 9'000, .root = Digest{std::byte{1}}}, signer).value();
  ASSERT_TRUE(audit::FilesOfWitness(folder / "witness")->Save(vkey().name(), longer.ToText()).ok());
  auto witness = std::make_unique<LiveWitness>(vkey(), folder / "witness", "w1", 50);
  const WitnessAddress address = witness->address();
  const auto feed = Feed({address});
  ASSERT_TRUE(WaitUntil([&] { return feed->report().witnesses[0].refuses; }));
  const std::uint16_t port = witness->port();
  witness.reset();
  witness = std::make_unique<LiveWitness>(vkey(), folder / "second", "w1", 50, port);
  ASSERT_TRUE(WaitUntil([&] { return feed->report().witnessed; })) << TroubleOf(*feed);
  EXPECT_FALSE(feed->report().witnesses[0].refuses);
  EXPECT_EQ(TroubleOf(*feed), "");
}

TEST_F(WitnessFeedTest, ACosignatureOfTheFutureIsNotTaken) {
  LiveWitness witness(vkey(), folder / "witness", "w1", 50);
  witness.SetAhead(400'000'000);
  const auto feed = Feed({witness.address()});
  ASSERT_TRUE(WaitUntil([&] { return TroubleOf(*feed).find("cosigns with a time that is not yet") == 0; }))
      << TroubleOf(*feed);
  EXPECT_FALSE(feed->report().witnessed);
  EXPECT_EQ(feed->report().witnesses[0].cosigned_us, 0);
  EXPECT_FALSE(log->cosigned_checkpoint().ok()) << "nor published";
  witness.SetAhead(200'000'000);
  EXPECT_TRUE(WaitUntil([&] { return feed->report().witnessed; })) << "clocks differ a little";
}

}  // namespace
}  // namespace coffer::keysvc
