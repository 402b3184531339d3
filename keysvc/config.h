// cofferd's configuration: one TOML file with closed keys, or nothing but a data folder.
//
//   data_dir   = "/var/lib/coffer"             # required: the store
//   socket_dir = "/run/coffer"                 # default: data_dir
//   key_file   = "/etc/coffer/seal.key"        # opened at start, so that no operator has to unseal
//   allow_swap = false                         # start even when memory cannot be locked
//   log_level  = "info"                        # debug | info | warn | error
//   [sockets.app]                              # one table a role; no table at all: every role, for cofferd's own user
//   uids = [472]                               # who may connect; required
//   gid  = 472                                 # group of the socket file (mode 0660); default: cofferd's
//   [tcp]                                      # default: no TCP
//   listen = "0.0.0.0:7443"
//   certificate = "/etc/coffer/tls/cert.pem"
//   key = "/etc/coffer/tls/key.pem"
//   client_ca = "/etc/coffer/tls/ca.pem"
//   trust_domain = "example.org"
//   [cache]
//   ciphers = 16384                            # 16 to 1,000,000; about 0.6 KiB each
//   [quotas]                                   # of one caller and one index in a minute; 1 to 1,000,000,000
//   searches = 600                             # IndexTokens
//   indexed_values = 60000                     # values that EncryptFields and RewrapFields make tokens of
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "policy/roles.h"

namespace coffer::keysvc {

struct SocketConfig {
  std::vector<std::uint32_t> uids;   // 1 to 64, no duplicates
  std::optional<std::uint32_t> gid;  // none: the process's
};

struct TcpConfig {
  std::string listen;
  std::string certificate;
  std::string key;
  std::string client_ca;
  std::string trust_domain;
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

struct Config {
  std::string data_dir;
  std::string socket_dir;
  std::string key_file;  // empty: none
  bool allow_swap = false;
  LogLevel log_level = LogLevel::kInfo;
  std::map<policy::Role, SocketConfig> sockets;
  std::optional<TcpConfig> tcp;
  std::size_t cipher_cache = 16'384;
  std::uint32_t searches_a_minute = 600;
  std::uint32_t indexed_values_a_minute = 60'000;
  bool reflection = false;  // of gRPC, for `cofferd dev` only: no key of the file
};

inline constexpr std::size_t kMaxConfigBytes = 64 * 1024;

// kInvalidArgument, with key and line, for an unknown key, a wrong type or a broken limit. `own_uid` is who may connect
// when no socket is named.
Result<Config> ParseConfig(std::string_view text, std::uint32_t own_uid);
// What `--data-dir` alone means.
Config DefaultConfig(const std::string& data_dir, std::uint32_t own_uid);

std::optional<LogLevel> ParseLogLevel(std::string_view text);

}  // namespace coffer::keysvc
