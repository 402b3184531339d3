// Certificates made by the openssl program, for one test.
#pragma once

#include <string>

namespace coffer::client {

// Makes `<folder>/<name>.crt` and `.key`: a CA's, self-signed.
void MakeAuthority(const std::string& folder, const std::string& name);

// The same for a certificate that `<folder>/<authority>` signs, with the subject alternative names, "DNS:localhost".
void MakeCertificate(const std::string& folder, const std::string& name, const std::string& authority,
                     const std::string& alternative_names);

std::string ReadTestFile(const std::string& path);

}  // namespace coffer::client
