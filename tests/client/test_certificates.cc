#include "tests/client/test_certificates.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "io/process.h"

namespace coffer::client {
namespace {

void OpenSsl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  ChildOptions quiet;
  quiet.output = ChildStream::kNull;
  quiet.error = ChildStream::kNull;
  auto child = ChildProcess::Spawn(arguments, quiet);
  ASSERT_TRUE(child.ok());
  const auto exit_code = child->Wait();
  ASSERT_TRUE(exit_code.ok());
  ASSERT_EQ(*exit_code, 0) << arguments[1];
}

}  // namespace

void MakeAuthority(const std::string& folder, const std::string& name) {
  const std::string base = folder + "/" + name;
  OpenSsl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
           "/CN=" + name, "-keyout", base + ".key", "-out", base + ".crt"});
}

void MakeCertificate(const std::string& folder, const std::string& name, const std::string& authority,
                     const std::string& alternative_names) {
  const std::string base = folder + "/" + name;
  const std::string issuer = folder + "/" + authority;
  std::ofstream(base + ".ext") << "subjectAltName=" << alternative_names << "\n";
  OpenSsl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout",
           base + ".key", "-out", base + ".csr"});
  OpenSsl({"x509", "-req", "-in", base + ".csr", "-CA", issuer + ".crt", "-CAkey", issuer + ".key", "-CAcreateserial",
           "-days", "2", "-extfile", base + ".ext", "-out", base + ".crt"});
}

std::string ReadTestFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace coffer::client
