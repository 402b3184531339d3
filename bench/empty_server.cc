#include "bench/empty_server.h"

#include <signal.h>

#include <grpcpp/grpcpp.h>

namespace coffer::bench {
namespace {

constexpr int kOverhead = 50;  // of suite 1

// kDone: answers each value with one that is `growth` bytes longer.
template <typename Request, typename Response>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const Request& request, Response& response,
                                 EmptyAnswer answer, int growth) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (answer == EmptyAnswer::kRefused) {
    reactor->Finish(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "refused"));
    return reactor;
  }
  for (const v1::Column& column : request.columns()) {
    v1::ColumnResult* result = response.add_columns();
    result->mutable_values()->Reserve(column.values_size());
    for (const std::string& value : column.values()) {
      result->add_values(std::string(static_cast<std::size_t>(static_cast<int>(value.size()) + growth), 'c'));
    }
  }
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

class EmptyFieldService final : public v1::FieldService::CallbackService {
 public:
  explicit EmptyFieldService(EmptyAnswer answer) : answer_(answer) {}
  grpc::ServerUnaryReactor* EncryptFields(grpc::CallbackServerContext* context, const v1::EncryptFieldsRequest* request,
                                          v1::EncryptFieldsResponse* response) override {
    return Answer(context, *request, *response, answer_, kOverhead);
  }
  grpc::ServerUnaryReactor* DecryptFields(grpc::CallbackServerContext* context, const v1::DecryptFieldsRequest* request,
                                          v1::DecryptFieldsResponse* response) override {
    return Answer(context, *request, *response, answer_, -kOverhead);
  }
  grpc::ServerUnaryReactor* RewrapFields(grpc::CallbackServerContext* context, const v1::RewrapFieldsRequest* request,
                                         v1::RewrapFieldsResponse* response) override {
    return Answer(context, *request, *response, answer_, 0);
  }

 private:
  const EmptyAnswer answer_;
};

}  // namespace

int ServeEmpty(const std::string& socket, EmptyAnswer answer) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  EmptyFieldService service(answer);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(16 << 20);
  builder.SetMaxSendMessageSize(16 << 20);
  builder.AddListeningPort("unix:" + socket, grpc::experimental::LocalServerCredentials(UDS));
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  int signal_number = 0;
  sigwait(&stop, &signal_number);
  server->Shutdown();
  return 0;
}

}  // namespace coffer::bench
