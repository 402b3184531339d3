// coffer certificate: client certificates that are refused, whoever signed them.
#include "crypto/certificate.h"

#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "io/file.h"

namespace coffer::cli {
namespace {

struct Arguments {
  std::string certificate;  // a file, or a SHA-256
  std::string reason;
};

// "AB:CD:..." of `openssl x509 -fingerprint -sha256`, or the same 64 hex digits without the colons.
std::optional<Digest> DigestFrom(std::string text) {
  constexpr std::size_t kWithColons = 3 * sizeof(Digest) - 1;
  if (text.size() == kWithColons) std::erase(text, ':');
  const Result<Bytes> bytes = FromHex(text);
  Digest digest{};
  if (!bytes.ok() || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Outcome<Digest> DigestOf(const std::string& told) {
  if (const std::optional<Digest> digest = DigestFrom(told)) return *digest;
  const Result<Bytes> pem = ReadFile(told, kMaxCertificatePem);
  if (!pem.ok()) {
    Failure failure = FileFailure("certificate", told, pem.error());
    failure.next_step = "name a PEM file, or the SHA-256 of the certificate's DER form in hex";
    return failure;
  }
  const Result<Digest> digest = CertificateSha256(AsText(*pem));
  if (!digest.ok()) return FileFailure("certificate", told, digest.error());
  return *digest;
}

Outcome<int> Deny(Session& session, const Arguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const Digest digest, DigestOf(arguments.certificate));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::DenyCertificateRequest request;
  request.set_sha256(std::string(AsText(digest)));
  request.set_reason(arguments.reason);
  COFFER_TRY(client->DenyCertificate(request));
  COFFER_TRY(session.json() ? PrintJson({{"denied", ToHex(digest)}})
                            : Print("denied: " + ToHex(digest) + ", from its next call on\n"));
  return kExitOk;
}

Outcome<int> Allow(Session& session, const Arguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const Digest digest, DigestOf(arguments.certificate));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::AllowCertificateRequest request;
  request.set_sha256(std::string(AsText(digest)));
  COFFER_TRY(client->AllowCertificate(request));
  COFFER_TRY(session.json() ? PrintJson({{"allowed", ToHex(digest)}})
                            : Print("allowed: " + ToHex(digest) + " is not refused any more\n"));
  return kExitOk;
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->ListDeniedCertificates({}));
  Table table({"SHA-256", "DENIED", "BY", "REASON"});
  Json json = Json::array();
  for (const v1::DeniedCertificate& one : answer.certificates()) {
    const std::string digest = ToHex(AsBytes(one.sha256()));
    table.Add({digest, FormatTime(one.denied_us()), one.denied_by(), one.reason()});
    json.push_back({{"sha256", digest},
                    {"denied_at", FormatTime(one.denied_us(), true)},
                    {"denied_by", one.denied_by()},
                    {"reason", one.reason()}});
  }
  COFFER_TRY(session.json() ? PrintJson({{"certificates", json}}) : Print(table.ToText()));
  return kExitOk;
}

void AddCertificate(CLI::App& command, Arguments& arguments) {
  command.add_option("certificate", arguments.certificate, "Its file (PEM, the first in it), or its SHA-256 in hex")
      ->type_name("FILE|SHA256")
      ->required();
}

}  // namespace

void AddCertificateCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("certificate", "Client certificates that are refused, whoever signed them");
  auto denied = std::make_shared<Arguments>();
  CLI::App& deny = tree.AddCommand(group, "deny", "Refuse a certificate from its next call on, on open connections too",
                                   "  coffer certificate deny orders.pem 'its key was copied, ticket 4711'",
                                   [denied](Session& session) { return Deny(session, *denied); });
  AddCertificate(deny, *denied);
  deny.add_option("reason", denied->reason, "Why, for the audit log")->type_name("REASON")->required();

  auto allowed = std::make_shared<Arguments>();
  CLI::App& allow = tree.AddCommand(group, "allow", "Take it back; others have to approve it",
                                    "  coffer certificate allow orders.pem --ask 'it was another one'",
                                    [allowed](Session& session) { return Allow(session, *allowed); });
  AddCertificate(allow, *allowed);
  tree.AddApprovalOptions(allow);

  tree.AddCommand(group, "list", "The certificates that are refused", "  coffer certificate list", List);
}

}  // namespace coffer::cli
