// HttpServer and HttpClient together, and the server against those who behave badly.
#include <arpa/inet.h>
#include <atomic>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/http_client.h"
#include "io/http_server.h"
#include "io/unique_fd.h"
#include "tests/support/wait_until.h"

namespace coffer {
namespace {

constexpr in_addr_t kHere = INADDR_LOOPBACK;
constexpr in_addr_t kThere = INADDR_LOOPBACK + 1;  // 127.0.0.2: another address of this host
constexpr in_addr_t kElsewhere = INADDR_LOOPBACK + 2;

// A connection that says whatever it is told.
class RawPeer {
 public:
  RawPeer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit RawPeer(std::uint16_t port, in_addr_t from = kHere) : RawPeer() { Connect(port, from); }
  void Connect(std::uint16_t port, in_addr_t from = kHere) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(from);
    const void* const any = &address;
    if (bind(fd_.get(), static_cast<const sockaddr*>(any), sizeof(address)) != 0) return;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(kHere);
    connected_ = connect(fd_.get(), static_cast<const sockaddr*>(any), sizeof(address)) == 0;
  }
  bool Say(std::string_view text) {
    while (connected_ && !text.empty()) {
      const ssize_t count = send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return connected_;
  }
  // What comes until the server closes, or until `enough` is in it.
  std::string Hear(std::string_view enough = {}) {
    std::array<char, 4096> buffer{};
    while (enough.empty() || heard_.find(enough) == std::string::npos) {
      pollfd waited{fd_.get(), POLLIN, 0};
      if (poll(&waited, 1, 20'000) <= 0) break;
      const ssize_t count = recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0) {
        closed_ = true;
        break;
      }
      heard_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return heard_;
  }
  bool closed() const { return closed_; }
  // The server has closed it, within the time that Hear has.
  bool IsCut() {
    Hear();
    return closed_;
  }
  bool IsAnswered() { return Say(kRequest) && Hear("GET /x ").find("200 OK") != std::string::npos; }

 private:
  static constexpr std::string_view kRequest = "GET /x HTTP/1.1\r\n\r\n";
  UniqueFd fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string heard_;
};

// While it lives, the process can open only so many descriptors more: none or one.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    // The first number that is free: all below are taken.
    const UniqueFd first(dup(STDIN_FILENO));
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(first.get()) + more;
    set_ = first.valid() && setrlimit(RLIMIT_NOFILE, &few) == 0;
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  bool set() const { return set_; }

 private:
  rlimit before_ = {};
  bool set_ = false;
};

class HttpTest : public ::testing::Test {
 protected:
  // Echoes the body, with the status that the target names.
  void Start(HttpServerOptions options = {}) {
    server =
        HttpServer::Start(options, [this](const HttpRequest& request) -> HttpReply {
          ++requests;
          if (request.target == "/header") {
            return {.status = 200, .body = std::string(OnlyHeader(request.headers, "x-test").value_or("none"))};
          }
          if (request.target == "/login") {
            return {.status = 200, .body = std::string(OnlyHeader(request.headers, "authorization").value_or("none"))};
          }
          if (request.target == "/409") return {.status = 409, .content_type = "text/x", .body = "17\n"};
          return {.status = 200, .body = request.method + " " + request.target + " " + request.body};
        }).value();
    url = "http://127.0.0.1:" + std::to_string(server->port());
  }
  // A connection that the server has accepted, after which it has said `text`.
  std::unique_ptr<RawPeer> Accepted(in_addr_t from, std::string_view text = {}) {
    const std::uint64_t before = server->figures().accepted;
    auto peer = std::make_unique<RawPeer>(server->port(), from);
    EXPECT_TRUE(WaitUntil([&] { return server->figures().accepted > before; }));
    EXPECT_TRUE(peer->Say(text));
    return peer;
  }

  std::unique_ptr<HttpServer> server;
  std::string url;
  std::atomic<int> requests = 0;
};

TEST_F(HttpTest, ABodyGoesThereAndAnAnswerComesBack) {
  Start();
  const auto client = HttpClient::Create({}).value();
  for (int i = 0; i < 3; ++i) {
    const HttpAnswer answer = client->Post(url + "/a", "hello").value();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /a hello");
  }
  EXPECT_EQ(client->Post(url + "/409", "")->status, 409);
  EXPECT_EQ(client->Post(url + "/409", "")->body, "17\n");
  const std::string large(200'000, 'x');
  EXPECT_EQ(client->Post(url + "/409", large)->status, 409);
}

TEST_F(HttpTest, ALoginIsSentWithItsOwnCallAlone) {
  Start();
  const auto client = HttpClient::Create({}).value();
  const auto login = [](std::string user, std::string_view secret) {
    return HttpLogin{.user = std::move(user), .secret = SecretBytes::CopyOf(AsBytes(secret))};
  };
  EXPECT_EQ(client->Post(url + "/login", "", login("user", "a:b c"))->body, "Basic dXNlcjphOmIgYw==");
  EXPECT_EQ(client->Post(url + "/login", "", login("", "to.ken"))->body, "Bearer to.ken");
  EXPECT_EQ(client->Post(url + "/login", "")->body, "none");
  for (const auto& bad : {login("user:x", "y"), login("us er", "y"), login("user", ""), login("", ""),
                          login("", "two words"), login("", "a\r\nX-Test: b"), login("u\n", "x")}) {
    EXPECT_EQ(client->Post(url + "/login", "", bad).error().code(), ErrorCode::kInvalidArgument) << bad.user;
  }
}

TEST_F(HttpTest, EachRequestHasItsOwnHeaders) {
  Start();
  RawPeer peer(server->port());
  ASSERT_TRUE(
      peer.Say("GET /header HTTP/1.1\r\nX-Test: one\r\n\r\n"
               "GET /header HTTP/1.1\r\n\r\n"
               "GET /header HTTP/1.1\r\nx-test:\ttwo\r\nConnection: close\r\n\r\n"));
  const std::string heard = peer.Hear();
  const std::size_t one = heard.find("\r\n\r\none");
  const std::size_t none = heard.find("\r\n\r\nnone");
  const std::size_t two = heard.find("\r\n\r\ntwo");
  EXPECT_NE(two, std::string::npos) << heard;
  EXPECT_LT(one, none) << heard;
  EXPECT_LT(none, two) << heard;
}

TEST_F(HttpTest, AnAnswerThatIsTooLongIsRefused) {
  Start();
  const auto client = HttpClient::Create({.max_answer = 1'000, .ca_file = {}}).value();
  EXPECT_TRUE(client->Post(url + "/", std::string(900, 'x')).ok());
  EXPECT_EQ(client->Post(url + "/", std::string(1'000, 'x')).error().code(), ErrorCode::kUnavailable);
}

TEST_F(HttpTest, NobodyThereIsAnOutage) {
  Start();
  server.reset();
  const auto client = HttpClient::Create({}).value();
  EXPECT_EQ(client->Post(url, "x").error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(client->Post("http://no-such-host.invalid/", "x").error().code(), ErrorCode::kUnavailable);
}

TEST_F(HttpTest, AServerThatNeverAnswersIsGivenUp) {
  const UniqueFd mute(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  void* const any = &address;
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(mute.get(), static_cast<sockaddr*>(any), size), 0);
  ASSERT_EQ(listen(mute.get(), 5), 0);
  ASSERT_EQ(getsockname(mute.get(), static_cast<sockaddr*>(any), &size), 0);
  const auto client = HttpClient::Create({.deadline = std::chrono::milliseconds(50), .ca_file = {}}).value();
  const auto answer = client->Post("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/", "x");
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
}

TEST_F(HttpTest, UrlsThatAreNotOfHttpAreRefused) {
  const auto client = HttpClient::Create({}).value();
  const std::vector<std::string> wrong = {"",
                                          "http://",
                                          "https:///x",
                                          "ftp://host/",
                                          "file:///etc/passwd",
                                          "host/",
                                          "http://user@host/",
                                          "http://host/?a=b",
                                          "http://host/#a",
                                          "http://ho st/",
                                          "http://host/\n",
                                          "http://" + std::string(kMaxUrl, 'a')};
  for (const std::string& bad : wrong) {
    EXPECT_FALSE(CheckUrl(bad).ok()) << bad;
    EXPECT_EQ(client->Post(bad, "x").error().code(), ErrorCode::kInvalidArgument) << bad;
  }
  for (const char* const good : {"http://host", "https://host:7480/prefix", "http://[::1]:80/"}) {
    EXPECT_TRUE(CheckUrl(good).ok()) << good;
  }
}

TEST_F(HttpTest, RequestsOneBehindTheOtherAreAnsweredInOrder) {
  Start();
  RawPeer peer(server->port());
  ASSERT_TRUE(peer.Say("POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(peer.Say("GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n"));
  const std::string heard = peer.Hear();
  EXPECT_NE(heard.find("GET /3 "), heard.npos);
  EXPECT_LT(heard.find("POST /1 one"), heard.find("GET /2 "));
  EXPECT_LT(heard.find("GET /2 "), heard.find("GET /3 "));
  EXPECT_TRUE(peer.closed());
}

TEST_F(HttpTest, ARequestThatComesByteByByteIsAnswered) {
  Start();
  RawPeer peer(server->port());
  for (const char c : std::string_view("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")) {
    ASSERT_TRUE(peer.Say(std::string_view(&c, 1)));
  }
  EXPECT_NE(peer.Hear("POST /a abc").find("200 OK"), std::string::npos);
}

TEST_F(HttpTest, WhoWaitsForContinueIsToldTo) {
  Start();
  RawPeer peer(server->port());
  ASSERT_TRUE(peer.Say("POST /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(peer.Hear("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(peer.Say("abc"));
  EXPECT_NE(peer.Hear("POST /a abc").find("200 OK"), std::string::npos);
}

TEST_F(HttpTest, BadRequestsAreAnsweredAndTheConnectionIsClosed) {
  HttpServerOptions options;
  options.max_body = 10;
  Start(options);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nonsense\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", "413 "},
      {"GET /" + std::string(kMaxHttpHead, 'a'), "431 "},
  };
  for (const auto& [said, answer] : cases) {
    RawPeer peer(server->port());
    ASSERT_TRUE(peer.Say(said));
    EXPECT_NE(peer.Hear().find(answer), std::string::npos) << said.substr(0, 40);
    EXPECT_TRUE(peer.closed());
  }
  EXPECT_EQ(requests, 0);
}

TEST_F(HttpTest, WhoTakesTooLongIsCutOffHoweverItTrickles) {
  HttpServerOptions options;
  options.patience_us = 50'000;
  Start(options);
  RawPeer slow(server->port());
  ASSERT_TRUE(slow.Say("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"));
  EXPECT_TRUE(WaitUntil([&slow] { return !slow.Say("x"); })) << "it goes on for as long as it is let";
  const auto client = HttpClient::Create({}).value();
  EXPECT_TRUE(client->Post(url + "/", "x").ok());
}

TEST_F(HttpTest, MoreConnectionsThanAllowedTakeThePlaceOfIdleOnes) {
  HttpServerOptions options;
  options.max_connections = 4;
  Start(options);
  std::vector<std::unique_ptr<RawPeer>> idle;
  for (int i = 0; i < 12; ++i) idle.push_back(std::make_unique<RawPeer>(server->port()));
  const auto client = HttpClient::Create({}).value();
  EXPECT_TRUE(client->Post(url + "/", "x").ok());
  EXPECT_EQ(idle.front()->Hear(), "");
  EXPECT_TRUE(idle.front()->closed());
}

TEST_F(HttpTest, WhoIsSlowLongestGivesWayToWhoComes) {
  HttpServerOptions options;
  options.max_connections = 8;
  options.max_of_address = 4;
  Start(options);
  // Every place is held by a request that never ends.
  std::vector<std::unique_ptr<RawPeer>> slow;
  for (int i = 0; i < 8; ++i) slow.push_back(Accepted(i < 4 ? kThere : kElsewhere, "POST / HTTP/1.1\r\nContent-Le"));
  const auto fresh = Accepted(kHere);
  EXPECT_TRUE(slow[0]->IsCut());
  // One that has said nothing yet is younger than those who are slow, and keeps its place.
  const auto next = Accepted(kHere);
  EXPECT_TRUE(slow[1]->IsCut());
  EXPECT_TRUE(fresh->IsAnswered());
  EXPECT_TRUE(next->IsAnswered());
  EXPECT_EQ(server->figures().displaced, 2u);
  EXPECT_TRUE(slow[2]->Say("ngth: 0\r\n\r\n"));
  EXPECT_NE(slow[2]->Hear("POST / ").find("200 OK"), std::string::npos) << "nobody else was cut";
}

TEST_F(HttpTest, OneAddressHasAPartOfThePlacesAndDisplacesItsOwn) {
  for (const char* const host : {"127.0.0.1", "::"}) {  // There IPv4 addresses come inside IPv6 ones.
    SCOPED_TRACE(host);
    HttpServerOptions options;
    options.host = host;
    options.max_connections = 8;
    options.max_of_address = 2;
    const bool can = HttpServer::Start(options, [](const HttpRequest&) -> HttpReply { return {}; }).ok();
    if (!can && std::string_view(host) == "::") GTEST_SKIP() << "no IPv6 here";
    Start(options);
    const auto here = Accepted(kHere);
    std::vector<std::unique_ptr<RawPeer>> there;
    for (int i = 0; i < 5; ++i) there.push_back(Accepted(kThere));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(there[i]->IsCut()) << i;
    EXPECT_TRUE(there[3]->IsAnswered());
    EXPECT_TRUE(there[4]->IsAnswered());
    EXPECT_TRUE(here->IsAnswered()) << "idle longer than any of them";
    EXPECT_EQ(server->figures().displaced, 3u);
  }
}

TEST_F(HttpTest, WithoutADescriptorWhoIsIdleLongestGivesWayToWhoComes) {
  Start();
  RawPeer first;
  RawPeer second;
  const FewDescriptors one(1);
  ASSERT_TRUE(one.set());
  first.Connect(server->port());
  EXPECT_TRUE(first.IsAnswered());
  second.Connect(server->port());
  EXPECT_TRUE(second.IsAnswered());
  EXPECT_TRUE(first.IsCut());
  EXPECT_EQ(server->figures().displaced, 1u);
  EXPECT_EQ(server->figures().starved, 0u);
}

TEST_F(HttpTest, WithoutADescriptorAndNobodyToGiveWayTheServerWaitsAndGoesOn) {
  Start();
  RawPeer peer;
  {
    const FewDescriptors none(0);
    ASSERT_TRUE(none.set());
    const auto begin = std::chrono::steady_clock::now();
    peer.Connect(server->port());
    EXPECT_TRUE(WaitUntil([&] { return server->figures().starved >= 3; })) << "it asks again by itself";
    const auto starved = static_cast<std::int64_t>(server->figures().starved);
    const std::chrono::microseconds tick(HttpServer::kTickUs);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, (starved - 1) * tick) << "it asks all the time";
  }
  EXPECT_TRUE(peer.IsAnswered());
  EXPECT_EQ(server->figures().accepted, 1u);
}

TEST_F(HttpTest, AddressesThatCannotBeListenedOnAreRefused) {
  Start();
  const auto handler = [](const HttpRequest&) -> HttpReply { return {}; };
  HttpServerOptions taken;
  taken.port = server->port();
  EXPECT_EQ(HttpServer::Start(taken, handler).error().code(), ErrorCode::kAlreadyExists);
  HttpServerOptions name;
  name.host = "localhost";
  EXPECT_EQ(HttpServer::Start(name, handler).error().code(), ErrorCode::kInvalidArgument);
  HttpServerOptions far;
  far.host = "192.0.2.1";
  EXPECT_FALSE(HttpServer::Start(far, handler).ok());
}

TEST(HostAndPortTest, AddressesAreReadStrictly) {
  EXPECT_EQ(HostAndPort::Parse("127.0.0.1:7480")->port, 7480);
  EXPECT_EQ(HostAndPort::Parse("[::1]:0")->host, "::1");
  for (const char* const wrong : {"", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:-1",
                                  "127.0.0.1:80x", "::1:80", "127.0.0.1:+80"}) {
    EXPECT_FALSE(HostAndPort::Parse(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace coffer
