// What well-known secrets look like in a text. Each takes time linear in the text; a placeholder ("${PASSWORD}",
// "<password>", "***", "xxxxx") is none.
#pragma once

#include <string_view>

namespace coffer::grafana {

// scheme://user:password@host, or a parameter password= (sslpassword, passwd, pwd) of a URL, as libpq takes both.
bool HoldsUrlPassword(std::string_view text);
// key=value text with a host and a password: libpq's "host=db password=x", "Server=db;Pwd=x", "AccountKey=x".
bool HoldsConnectionPassword(std::string_view text);
// The first line of an unencrypted PEM private key, with base64 behind it.
bool HoldsPrivateKey(std::string_view text);
// "glsa_" (service account), "glc_" (access policy), "eyJrIjoi" (API key).
bool HoldsGrafanaToken(std::string_view text);
// "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_".
bool HoldsGitHubToken(std::string_view text);
// "AKIA" or "ASIA" and 16 characters of base32.
bool HoldsAwsAccessKey(std::string_view text);
// "xoxb-" and its family, or the URL of a webhook.
bool HoldsSlackToken(std::string_view text);
// Three parts of base64url with dots between them, the first two JSON objects.
bool HoldsJsonWebToken(std::string_view text);

}  // namespace coffer::grafana
