// A library that is no PKCS#11 module.
extern "C" int CofferNoModule();
extern "C" int CofferNoModule() { return 0; }
