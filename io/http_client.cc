#include "io/http_client.h"

#include <algorithm>

#include <curl/curl.h>

namespace coffer {
namespace {

// Once a process, and never undone: threads may still use the library.
bool InitialiseCurl() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return done;
}

struct CleanUp {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What comes in, up to a limit.
struct Sink {
  std::string body;
  std::size_t max = 0;
};

// libcurl's write callback.
std::size_t Take(const char* bytes, std::size_t size, std::size_t count, void* to) {
  auto* const sink = static_cast<Sink*>(to);
  const std::size_t all = size * count;
  if (sink->body.size() + all > sink->max) return 0;  // ends the transfer
  sink->body.append(bytes, all);
  return all;
}

// libcurl's progress callback; asked at least once a second. Not 0 ends the transfer.
int Go(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* const cancelled = static_cast<const std::atomic<bool>*>(flag);
  return cancelled->load() ? 1 : 0;
}

Error ErrorOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::kUnavailable, "did not answer in time"};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {ErrorCode::kUnavailable, "has a name that is not known"};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
      return {ErrorCode::kUnavailable, "has no certificate that is believed"};
    case CURLE_WRITE_ERROR:
      return {ErrorCode::kUnavailable, "answers with more than allowed"};
    case CURLE_ABORTED_BY_CALLBACK:
      return {ErrorCode::kUnavailable, "was not waited for"};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return {ErrorCode::kInvalidArgument, "is no URL of HTTP"};
    default:
      return {ErrorCode::kUnavailable, "does not answer"};
  }
}

bool IsVisible(char c) { return c > ' ' && c < '\x7f'; }

Status CheckLogin(std::string_view user, std::string_view secret) {
  constexpr std::size_t kMaxLogin = 4'096;
  const auto visible = [](std::string_view text) { return std::all_of(text.begin(), text.end(), IsVisible); };
  const bool bad = secret.empty() || secret.size() > kMaxLogin || secret.find('\0') != std::string_view::npos ||
                   user.size() > kMaxLogin || !visible(user) || user.find(':') != std::string_view::npos ||
                   (user.empty() && !visible(secret));
  if (!bad) return {};
  return Error(ErrorCode::kInvalidArgument, "is no login: a user without ':' and a password, or a bearer token");
}

// Offers a login to the server, from its first request on, for as long as it lives.
class OfferedLogin {
 public:
  explicit OfferedLogin(CURL* handle) : handle_(handle) {}
  ~OfferedLogin() {
    curl_easy_setopt(handle_, CURLOPT_USERNAME, nullptr);
    curl_easy_setopt(handle_, CURLOPT_PASSWORD, nullptr);
    curl_easy_setopt(handle_, CURLOPT_XOAUTH2_BEARER, nullptr);
  }
  OfferedLogin(const OfferedLogin&) = delete;
  OfferedLogin& operator=(const OfferedLogin&) = delete;

  Status Offer(const HttpLogin& login) {
    const ByteView bytes = login.secret.Expose(SecretAccess::kReply);
    SecretBytes ended(bytes.size() + 1);  // libcurl wants a NUL at the end
    const MutableBytes room = ended.ExposeMutable(SecretAccess::kReply);
    std::copy(bytes.begin(), bytes.end(), room.begin());
    const std::string_view secret = AsText(room).substr(0, bytes.size());
    COFFER_TRY(CheckLogin(login.user, secret));
    const bool bearer = login.user.empty();
    bool ok = curl_easy_setopt(handle_, CURLOPT_HTTPAUTH,
                               static_cast<long>(bearer ? CURLAUTH_BEARER : CURLAUTH_BASIC)) == CURLE_OK;
    const auto set = [this, &ok](CURLoption option, const char* value) {
      ok = ok && curl_easy_setopt(handle_, option, value) == CURLE_OK;
    };
    if (!bearer) set(CURLOPT_USERNAME, login.user.c_str());
    set(bearer ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, secret.data());
    if (!ok) return Error(ErrorCode::kUnavailable, "the HTTP library cannot be used");
    return {};
  }

 private:
  CURL* const handle_;
};

}  // namespace

Status CheckUrl(std::string_view url) {
  const Error bad(ErrorCode::kInvalidArgument, "must be a URL that begins with http:// or https://");
  if (url.size() > kMaxUrl) return Error(bad).WithLimit(kMaxUrl);
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const bool visible = std::all_of(url.begin(), url.end(), IsVisible);
  if (scheme == 0 || !visible || url.find_first_of("@?#\\\"<>") != std::string_view::npos) return bad;
  if (url.size() == scheme || url[scheme] == '/') return bad;
  return {};
}

struct HttpClient::State {
  explicit State(Options options_in) : options(std::move(options_in)) {}

  Options options;
  std::unique_ptr<CURL, CleanUp> handle;
  std::unique_ptr<curl_slist, CleanUp> headers;
};

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::Create(Options options) {
  const Error failed(ErrorCode::kUnavailable, "the HTTP library cannot be used");
  auto state = std::make_unique<State>(std::move(options));
  if (!InitialiseCurl()) return failed;
  state->handle.reset(curl_easy_init());
  // No "Expect: 100-continue", which costs a round trip; the body is text.
  state->headers.reset(curl_slist_append(nullptr, "Expect:"));
  if (state->headers == nullptr || state->handle == nullptr) return failed;
  if (curl_slist_append(state->headers.get(), "Content-Type: text/plain; charset=utf-8") == nullptr) return failed;
  CURL* const handle = state->handle.get();
  bool ok = true;
  const auto set = [handle, &ok](CURLoption option, auto value) {
    ok = ok && curl_easy_setopt(handle, option, value) == CURLE_OK;
  };
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(state->options.deadline.count()));
  set(CURLOPT_HTTPHEADER, state->headers.get());
  set(CURLOPT_WRITEFUNCTION, &Take);
  if (state->options.cancelled != nullptr) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Go);
    // libcurl's data pointers are not const; Go's is.
    set(CURLOPT_XFERINFODATA, static_cast<const void*>(state->options.cancelled));
  }
  if (!state->options.ca_file.empty()) set(CURLOPT_CAINFO, state->options.ca_file.c_str());
  if (!ok) return failed;
  return std::make_unique<HttpClient>(std::move(state));
}

Result<HttpAnswer> HttpClient::Post(const std::string& url, std::string_view body) {
  COFFER_TRY(CheckUrl(url));
  CURL* const handle = state_->handle.get();
  Sink sink{.body = {}, .max = state_->options.max_answer};
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_POST, 1L);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  const CURLcode done = curl_easy_perform(handle);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, nullptr);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, nullptr);
  if (done != CURLE_OK) return ErrorOf(done);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return HttpAnswer{static_cast<int>(status), std::move(sink.body)};
}

Result<HttpAnswer> HttpClient::Post(const std::string& url, std::string_view body, const HttpLogin& login) {
  OfferedLogin offered(state_->handle.get());
  COFFER_TRY(offered.Offer(login));
  return Post(url, body);
}

}  // namespace coffer
